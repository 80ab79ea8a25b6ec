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
from server.codecs.optional_members import OptionalMembersReader, Utterance
from server.inference.batch_executor import BatchExecutor
from server.inference.deadline import Deadline
from server.inference.joint_runs import JointRuns
from server.inference.single_clips import LONGEST
from server.inference.time_slice import EventLoopTimeSlice
from server.metrics.network_metrics import NetworkMetrics
from server.models.catalog import NetworkCatalog
from server.models.network import Network
from server.models.predictors import Prediction
from server.problems import messages
from server.problems.documents import Problem
from server.settings import ServerSettings


class PredictionResource:
    """Runs one utterance through the network that the path names.

    metrics, joint_runs: of each network, by name.
    """

    def __init__(
        self,
        catalog: NetworkCatalog,
        settings: ServerSettings,
        executor: BatchExecutor,
        time_slice: EventLoopTimeSlice,
        metrics: Mapping[str, NetworkMetrics],
        *,
        joint_runs: Mapping[str, JointRuns],
    ) -> None:
        self._catalog = catalog
        self._metrics = metrics
        # Without a contract there are no networks, and no body is decoded.
        n_mfcc = catalog.contract.n_mfcc if catalog.contract else 0
        statistics = catalog.contract.statistics if catalog.contract else []
        members = OptionalMembersReader(n_mfcc, statistics)
        self._decode = MfccDecoder(n_mfcc, settings.maximum_frames, members)
        self._maximum_body_bytes = settings.maximum_body_bytes
        self._executor = executor
        self._time_slice = time_slice
        self._joint_runs = joint_runs

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
        utterance = await self._read(network, body)
        if not network.takes_vectors and len(utterance.mfccs) > LONGEST:
            run = partial(_predict_long, network, utterance, partial(_check, req, deadline))
            prediction, seconds = await self._executor.run_network(run)
        elif self._time_slice.crowd >= (joint_runs := self._joint_runs[network.name]).fewest:
            prediction, seconds = await joint_runs.add(utterance)
        else:
            start = perf_counter()
            prediction = network.predict(utterance.mfccs, utterance.prosody, utterance.baseline)
            seconds = perf_counter() - start
        self._metrics[network.name].record(
            seconds, prediction.distance, prediction.baseline_distance
        )
        resp.data = encode_prediction(network.metadata, prediction)

    async def _read(self, network: Network, body: bytes) -> Utterance:
        """The utterance in a body; a long one is decoded on the codecs' thread."""
        if len(body) <= LARGEST_ON_LOOP:
            utterance = self._decode(body)
        else:
            utterance = await self._executor.run_codec(partial(self._decode, body))
        if utterance.mfccs.ndim == 1 and not network.takes_vectors:
            names = self._catalog.vector_names
            members = {"pointer": "/mfccs", "networks": names}
            known = ", ".join(names) or "none"
            raise Problem(messages.FRAMES_NEEDED, members, name=network.name, known=known)
        return utterance


def _check(req: Request, deadline: Deadline | None) -> None:
    """Raises a problem if nobody waits for the answer any longer."""
    check_client(req)
    if deadline is not None:
        deadline.check()


def _predict_long(
    network: Network, utterance: Utterance, check: Callable[[], None]
) -> tuple[Prediction, float]:
    """The prediction for many frames, and its seconds; may be called from any thread."""
    check()
    members = utterance.prosody, utterance.baseline
    prosody, baseline = (None if member is None else member[None] for member in members)
    start = perf_counter()
    scores = network.predict_batch(utterance.mfccs[None], None, prosody, baseline)
    seconds = perf_counter() - start
    probabilities, *distances = (found[0] for found in scores if len(found))
    return Prediction(probabilities.tolist(), *map(float, distances)), seconds
