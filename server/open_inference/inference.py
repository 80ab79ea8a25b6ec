"""One inference: bytes to arrays, through the network, and back to bytes."""

from server.networks import Network
from server.open_inference.answers import Answer, encode_answer
from server.open_inference.requests import read_request
from server.open_inference.signatures import Signature


def infer(
    network: Network, signature: Signature, maximum_rows: int, json_bytes: int | None, body: bytes
) -> Answer:
    """Scores the batch in a request's body; may be called from any thread.

    Raises:
        Problem: 400 or 413, the body holds no batch for this network.
    """
    request = read_request(body, json_bytes, signature, maximum_rows)
    values = request.inputs[signature.inputs[0].name]
    scores = network.predict_batch(values, request.inputs.get("lengths"))
    return encode_answer(network, request, scores)
