"""One inference: bytes to arrays, through the network, and back to bytes."""

from time import perf_counter
from typing import NamedTuple

from server.batches import Array
from server.networks import Network
from server.open_inference.answers import Answer, encode_answer
from server.open_inference.requests import read_request
from server.open_inference.signatures import Signature


class Inference(NamedTuple):
    """An answer, and how it came about."""

    answer: Answer
    seconds: float  # of the network alone
    distance: Array  # float32 (N,), of each input from the training distribution


def infer(
    network: Network, signature: Signature, maximum_rows: int, json_bytes: int | None, body: bytes
) -> Inference:
    """Scores the batch in a request's body; may be called from any thread.

    Raises:
        Problem: 400 or 413, the body holds no batch for this network.
    """
    request = read_request(body, json_bytes, signature, maximum_rows)
    values = request.inputs[signature.inputs[0].name]
    start = perf_counter()
    scores = network.predict_batch(values, request.inputs.get("lengths"))
    seconds = perf_counter() - start
    return Inference(encode_answer(network, request, scores), seconds, scores.distance)
