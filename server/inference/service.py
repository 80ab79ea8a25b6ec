"""One inference: bytes to arrays, through the network, and back to bytes.

Each of the three may be called from any thread.
"""

from time import perf_counter
from typing import NamedTuple

from server.codecs.inference_request import InferenceRequest, read_request
from server.codecs.inference_response import InferenceResponse, encode_response
from server.codecs.tensor_specs import ModelSignature
from server.models.network import Network
from server.models.predictors import Scores


class Inference(NamedTuple):
    """What the network said, and how long it took alone."""

    scores: Scores
    seconds: float


class Batches:
    """The batches of one network, each with at most `maximum_rows`."""

    def __init__(self, network: Network, signature: ModelSignature, maximum_rows: int) -> None:
        self._network = network
        self._signature = signature
        self._maximum_rows = maximum_rows

    def read(self, body: bytes, json_bytes: int | None) -> InferenceRequest:
        """Reads a body, as `read_request` does."""
        return read_request(body, json_bytes, self._signature, self._maximum_rows)

    def score(self, request: InferenceRequest) -> Inference:
        """Asks the network."""
        values = request.inputs[self._signature.inputs[0].name]
        start = perf_counter()
        scores = self._network.predict_batch(values, request.inputs.get("lengths"))
        return Inference(scores, perf_counter() - start)

    def encode(self, request: InferenceRequest, scores: Scores) -> InferenceResponse:
        """Writes the answer, as `encode_response` does."""
        return encode_response(self._network, request, scores)
