"""`POST /prediction/{networkType}`: MFCCs in, a probability for each emotion out."""

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter

from falcon.asgi import Request, Response

from server.api.requests import (
    LARGEST_ON_LOOP,
    check_client,
    find_network,
    read_body,
    read_deadline,
)
from server.codecs.mfcc_json import MfccDecoder, encode_prediction
from server.inference.batch_executor import BatchExecutor
from server.inference.deadline import Deadline
from server.inference.time_slice import EventLoopTimeSlice
from server.metrics.network_metrics import NetworkMetrics
from server.models.catalog import NetworkCatalog
from server.models.network import Network
from server.models.predictors import Array, Prediction
from server.problems import messages
from server.problems.documents import Problem
from server.settings import ServerSettings

LONGEST_ON_LOOP = 400  # frames whose network runs on the event loop: 4 ms of TCN


class PredictionResource:
    """Runs one utterance through the network that the path names.

    metrics: of each network, by name.
    """

    def __init__(
        self,
        catalog: NetworkCatalog,
        settings: ServerSettings,
        executor: BatchExecutor,
        time_slice: EventLoopTimeSlice,
        metrics: Mapping[str, NetworkMetrics],
    ) -> None:
        self._catalog = catalog
        self._metrics = metrics
        # Without a contract there are no networks, and no body is decoded.
        n_mfcc = catalog.contract.n_mfcc if catalog.contract else 0
        self._decode = MfccDecoder(n_mfcc, settings.maximum_frames)
        self._maximum_body_bytes = settings.maximum_body_bytes
        self._executor = executor
        self._time_slice = time_slice

    async def on_post(self, req: Request, resp: Response, network_type: str) -> None:
        """Predicts the emotion of one utterance."""
        network = find_network(self._catalog, network_type)
        deadline = read_deadline(req)
        body = await read_body(req, self._maximum_body_bytes)
        if deadline is not None:
            deadline.check(self._time_slice.expected_seconds())
        if (turn := self._time_slice.wait()) is not None:
            await turn
            _check(req, deadline)
        mfccs = await self._read(network, body)
        if network.takes_vectors or len(mfccs) <= LONGEST_ON_LOOP:
            start = perf_counter()
            prediction = network.predict(mfccs)
            seconds = perf_counter() - start
        else:
            run = partial(_predict_long, network, mfccs, partial(_check, req, deadline))
            prediction, seconds = await self._executor.run_network(run)
        self._metrics[network.name].record(seconds, prediction.distance)
        resp.data = encode_prediction(network.metadata, prediction)

    async def _read(self, network: Network, body: bytes) -> Array:
        """The vector or the frames in a body; long ones are decoded on the codecs' thread."""
        if len(body) <= LARGEST_ON_LOOP:
            mfccs = self._decode(body)
        else:
            mfccs = await self._executor.run_codec(partial(self._decode, body))
        if mfccs.ndim == 1 and not network.takes_vectors:
            names = self._catalog.vector_names
            members = {"pointer": "/mfccs", "networks": names}
            known = ", ".join(names) or "none"
            raise Problem(messages.FRAMES_NEEDED, members, name=network.name, known=known)
        return mfccs


def _check(req: Request, deadline: Deadline | None) -> None:
    """Raises a problem if nobody waits for the answer any longer."""
    check_client(req)
    if deadline is not None:
        deadline.check()


def _predict_long(
    network: Network, frames: Array, check: Callable[[], None]
) -> tuple[Prediction, float]:
    """The prediction for many frames, and its seconds; may be called from any thread."""
    check()
    start = perf_counter()
    scores = network.predict_batch(frames[None], None)
    seconds = perf_counter() - start
    return Prediction(scores.probabilities[0].tolist(), scores.distance.item()), seconds
