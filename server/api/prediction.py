"""`POST /prediction/{networkType}`: MFCCs in, a probability for each emotion out."""

from collections.abc import Mapping
from time import perf_counter

from falcon.asgi import Request, Response

from server.api.requests import find_network, read_body
from server.codecs.mfcc_json import MfccDecoder, encode_prediction
from server.inference.deadline import HEADER, parse_deadline
from server.inference.time_slice import EventLoopTimeSlice
from server.metrics.network_metrics import NetworkMetrics
from server.models.catalog import NetworkCatalog
from server.problems import messages
from server.problems.documents import Problem


class PredictionResource:
    """Runs one utterance through the network that the path names.

    metrics: of each network, by name.
    """

    def __init__(
        self,
        catalog: NetworkCatalog,
        maximum_body_bytes: int,
        time_slice: EventLoopTimeSlice,
        metrics: Mapping[str, NetworkMetrics],
    ) -> None:
        self._catalog = catalog
        self._metrics = metrics
        # Without a contract there are no networks, and no body is decoded.
        self._decode = MfccDecoder(catalog.contract.n_mfcc if catalog.contract else 0)
        self._maximum_body_bytes = maximum_body_bytes
        self._time_slice = time_slice

    async def on_post(self, req: Request, resp: Response, network_type: str) -> None:
        """Predicts the emotion of one utterance."""
        network = find_network(self._catalog, network_type)
        timeout = req.get_header(HEADER)
        deadline = parse_deadline(timeout, req.context.received) if timeout is not None else None
        body = await read_body(req, self._maximum_body_bytes)
        if deadline is not None:
            deadline.check(self._time_slice.expected_seconds())
        if (turn := self._time_slice.wait()) is not None:
            await turn
            if deadline is not None:
                deadline.check()
        mfccs = self._decode(body)
        if mfccs.ndim == 1 and not network.takes_vectors:
            names = self._catalog.vector_names
            members = {"pointer": "/mfccs", "networks": names}
            known = ", ".join(names) or "none"
            raise Problem(messages.FRAMES_NEEDED, members, name=network.name, known=known)
        start = perf_counter()
        prediction = network.predict(mfccs)
        self._metrics[network.name].record(perf_counter() - start, prediction.distance)
        resp.data = encode_prediction(network.metadata, prediction)
