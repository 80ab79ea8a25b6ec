"""`POST /prediction/{networkType}`: MFCCs in, a probability for each emotion out."""

from falcon.asgi import Request, Response

from server import problems
from server.networks import Network, NetworkCatalog
from server.payloads import MfccDecoder, encode_prediction
from server.resources.bodies import read_json_body
from server.turns import Turns


class PredictionResource:
    """Answers with the probabilities of one network."""

    def __init__(self, catalog: NetworkCatalog, maximum_body_bytes: int) -> None:
        self._catalog = catalog
        # Without a contract no network is served, and no body is decoded.
        self._decode = MfccDecoder(catalog.contract.n_mfcc if catalog.contract else 0)
        self._maximum_body_bytes = maximum_body_bytes
        self._turns = Turns()

    async def on_post(self, req: Request, resp: Response, network_type: str) -> None:
        """Predicts the emotion of one utterance."""
        network = self._network(network_type)
        body = await read_json_body(req, self._maximum_body_bytes)
        if (turn := self._turns.wait()) is not None:
            await turn
        mfccs = self._decode(body)
        if mfccs.ndim == 1 and not network.takes_vectors:
            raise problems.frames_needed(network.name, self._catalog.vector_names)
        prediction = network.predict(mfccs)
        resp.data = encode_prediction(network.metadata, prediction)

    def _network(self, name: str) -> Network:
        network = self._catalog.find(name)
        if network is not None:
            return network
        fault = self._catalog.fault(name)
        if fault is not None:
            raise problems.network_unavailable(name, fault)
        raise problems.unknown_network(name, self._catalog.names)
