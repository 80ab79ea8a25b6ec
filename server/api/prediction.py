"""`POST /prediction/{networkType}`: MFCCs in, a probability for each emotion out."""

from time import perf_counter

from falcon.asgi import Request, Response

from server import problems
from server.api.bodies import read_body
from server.api.lookup import find_network
from server.codecs.mfcc_json import MfccDecoder, encode_prediction
from server.inference.time_slice import Turns
from server.metrics.middleware import Recorder
from server.models.catalog import NetworkCatalog


class PredictionResource:
    """Answers with the probabilities of one network."""

    def __init__(
        self, catalog: NetworkCatalog, maximum_body_bytes: int, turns: Turns, recorder: Recorder
    ) -> None:
        self._catalog = catalog
        self._recorders = recorder.networks(catalog)
        # Without a contract no network is served, and no body is decoded.
        self._decode = MfccDecoder(catalog.contract.n_mfcc if catalog.contract else 0)
        self._maximum_body_bytes = maximum_body_bytes
        self._turns = turns

    async def on_post(self, req: Request, resp: Response, network_type: str) -> None:
        """Predicts the emotion of one utterance."""
        network = find_network(self._catalog, network_type)
        body = await read_body(req, self._maximum_body_bytes)
        if (turn := self._turns.wait()) is not None:
            await turn
        mfccs = self._decode(body)
        if mfccs.ndim == 1 and not network.takes_vectors:
            raise problems.frames_needed(network.name, self._catalog.vector_names)
        start = perf_counter()
        prediction = network.predict(mfccs)
        self._recorders[network.name].predicted(perf_counter() - start, prediction.distance)
        resp.data = encode_prediction(network.metadata, prediction)
