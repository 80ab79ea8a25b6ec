"""Runs a network once for the predictions that wait in one slice of the event loop."""

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Sequence
from operator import attrgetter
from time import perf_counter
from typing import NamedTuple

from server.codecs.optional_members import Utterance
from server.inference.cost_estimate import CostEstimate
from server.inference.joint_inputs import predict_jointly
from server.inference.time_slice import EventLoopTimeSlice
from server.models.batch_predictors import LONGEST_TO_SHORTEST
from server.models.network import Network
from server.models.predictors import Prediction

# PERF: of one run; larger ones take no less time for each prediction, see batches.md.
MOST_ROWS = 16
MOST_FRAMES = 2_100  # with padding: 16 clips of 3 s, which take 4 ms
# PERF: to wait for the end of the slice costs 4 us, a run of a plain vector network 10.
FEWEST = 2
FEWEST_PLAIN_VECTORS = 8

_log = logging.getLogger(__name__)

PredictionAndSeconds = tuple[Prediction, float]


class _Waiting(NamedTuple):
    utterance: Utterance
    size: int  # frames; 1 for a vector network
    answer: asyncio.Future[PredictionAndSeconds]


class JointRuns:
    """The predictions of one network that wait for the end of the slice.

    fewest: the predictions in a slice from which a joint run is quicker.
    """

    def __init__(self, network: Network, time_slice: EventLoopTimeSlice) -> None:
        self._network = network
        self._time_slice = time_slice
        self._waiting: list[_Waiting] = []
        is_plain = network.takes_vectors and not network.optional_inputs
        self.fewest = FEWEST_PLAIN_VECTORS if is_plain else FEWEST
        self._largest = MOST_ROWS if network.takes_vectors else MOST_FRAMES
        self._cost = CostEstimate()  # of a row or a frame
        self._told = False

    def add(self, utterance: Utterance) -> Awaitable[PredictionAndSeconds]:
        """The prediction at the end of this slice, and its share of the seconds of the run."""
        if not self._waiting:
            self._time_slice.run_last(self._run)
        size = 1 if self._network.takes_vectors else len(utterance.mfccs)
        self._time_slice.reserve(self._cost.seconds(size))
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(utterance, size, answer))
        return answer

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        for group in self._groups(waiting):
            self._predict(group)

    def _groups(self, waiting: list[_Waiting]) -> Iterator[list[_Waiting]]:
        """Yields what fits into a run each: of similar length, short utterances first."""
        group: list[_Waiting] = []
        for one in sorted(waiting, key=attrgetter("size")):
            if group and not self._fits(one, group):
                yield group
                group = []
            group.append(one)
        yield group

    def _fits(self, one: _Waiting, group: Sequence[_Waiting]) -> bool:
        similar = one.size <= group[0].size * LONGEST_TO_SHORTEST
        return similar and (len(group) + 1) * one.size <= self._largest

    def _predict(self, group: Sequence[_Waiting]) -> None:
        """Answers a group; if its run fails, each prediction alone."""
        start = perf_counter()
        try:
            predictions = predict_jointly(self._network, [one.utterance for one in group])
            answered = list(zip(group, predictions, strict=True))
        # NOTE: ONNX Runtime's exceptions share no base class but Exception.
        except Exception as error:  # noqa: BLE001
            self._answer_failure(group, error)
            return
        seconds = perf_counter() - start
        self._cost.observe(len(group) * group[-1].size, seconds)
        share = seconds / len(group)
        for one, prediction in answered:
            if not one.answer.done():  # cancelled
                one.answer.set_result((prediction, share))

    def _tell_once(self, error: Exception) -> None:
        """A file that cannot predict several at once costs time, without any error in an answer."""
        if not self._told:
            self._told = True
            name = self._network.name
            _log.warning("%s: a joint run failed; each prediction runs alone: %s", name, error)

    def _answer_failure(self, group: Sequence[_Waiting], error: Exception) -> None:
        if len(group) > 1:
            self._tell_once(error)
            for one in group:
                self._predict([one])
        elif not group[0].answer.done():
            group[0].answer.set_exception(error)
