"""One inference from bytes to bytes: read, score and encode, each step on the right thread."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import TypeVar

from server.codecs.open_inference.request import BatchLimits, InferenceRequest, read_request
from server.codecs.open_inference.response import InferenceResponse, encode_response
from server.codecs.open_inference.tensor_specs import ModelSignature
from server.codecs.optional_members import Utterance
from server.inference.batch_executor import BatchExecutor
from server.inference.cost_estimate import CostEstimate
from server.inference.deadline import Deadline, earlier
from server.inference.single_clips import SingleClips, find_clip
from server.inference.time_slice import EventLoopTimeSlice
from server.metrics.network_metrics import BatchCounts, NetworkMetrics
from server.models.batch_predictors import Scores
from server.models.network import Network

T = TypeVar("T")

# PERF: larger work leaves the event loop; see docs/decisions/batches.md.
LARGEST_ON_LOOP = 2_048  # bytes of a body that is handled at once
LARGEST_JSON_ON_LOOP = 262_144  # bytes: 1,024 rows
MOST_ROWS_WRITTEN_ON_LOOP = 1_024
LONGEST_ON_LOOP = 0.002  # estimated seconds of a network's run
Check = Callable[[], None]  # raises a Problem if nobody waits for the answer
NO_RESERVATION: AbstractContextManager[None] = nullcontext()


@dataclass(frozen=True)
class InferenceService:
    """The inferences of one network.

    A short body is handled on the event loop, and so is one short clip for a frame network. For
    anything longer each step chooses its thread.
    """

    network: Network
    signature: ModelSignature
    limits: BatchLimits
    executor: BatchExecutor
    time_slice: EventLoopTimeSlice
    metrics: NetworkMetrics
    clips: SingleClips
    cost: CostEstimate = field(default_factory=CostEstimate)

    def reserve(self, size: int) -> AbstractContextManager[None]:
        """Reserves memory for a body of `size` bytes before it is read; a short body needs none.

        Raises:
            Problem: 503, the open batches use all of it.
        """
        return NO_RESERVATION if size <= LARGEST_ON_LOOP else self.executor.reserve(size)

    async def infer(
        self,
        body: bytes,
        json_bytes: int | None,
        received: float,
        deadline: Deadline | None = None,
        check: Check = lambda: None,
    ) -> InferenceResponse:
        """Reads a request, scores its rows and encodes the answer.

        json_bytes: the length of the JSON, if binary tensors may follow it; None: the whole body.
        received: the time of `perf_counter` at which the request was received.
        deadline: of its header; its JSON may have an earlier one.
        check: called before each long step, when its turn has come, on any thread.

        Raises:
            Problem: 400 or 413, naming the value and what was expected; 503, the deadline is over
                or will be before the answer.
        """
        if deadline is not None:
            deadline.check()
        if len(body) > LARGEST_ON_LOOP:
            request = await self._read(body, json_bytes, check)
            del body  # frees its memory, unless its tensors are binary
            deadline = earlier(deadline, received, request.timeout)
            if (clip := find_clip(request.inputs)) is not None:
                await self._wait(deadline, check)
                return encode_response(self.network, request, await self._score_clip(clip))
            scores = await self._score(request, deadline, check)
            return await self._encode(request, scores, check)
        if (turn := self.time_slice.wait()) is not None:
            await turn
            check()
        request = read_request(body, json_bytes, self.signature, self.limits)
        if (deadline := earlier(deadline, received, request.timeout)) is not None:
            deadline.check(self.cost.seconds(self._rows(request)))
        if (clip := find_clip(request.inputs)) is not None:
            return encode_response(self.network, request, await self._score_clip(clip))
        scores, counts = self._run(request)
        self.metrics.record_batch(counts)
        return encode_response(self.network, request, scores)

    async def _read(self, body: bytes, json_bytes: int | None, check: Check) -> InferenceRequest:
        """Reads tensors in binary on the event loop, long JSON on the codecs' thread."""
        read = _checked(check, partial(read_request, body, json_bytes, self.signature, self.limits))
        size = len(body) if json_bytes is None else json_bytes
        if size > LARGEST_JSON_ON_LOOP:
            return await self.executor.run_codec(read)
        if size > LARGEST_ON_LOOP and (turn := self.time_slice.wait()) is not None:
            await turn
        return read()

    async def _wait(self, deadline: Deadline | None, check: Check) -> None:
        """Waits until a slice of the event loop has time."""
        if deadline is not None:
            deadline.check(self.time_slice.expected_seconds())
        if (turn := self.time_slice.wait()) is not None:
            await turn
            check()
            if deadline is not None:
                deadline.check()

    async def _score_clip(self, clip: Utterance) -> Scores:
        """Runs the network for one clip, with those that wait in the same slice."""
        scores, seconds = await self.clips.score(clip)
        self.metrics.record_batch(
            self.metrics.count(seconds, scores.distance, scores.baseline_distance)
        )
        return scores

    async def _score(
        self, request: InferenceRequest, deadline: Deadline | None, check: Check
    ) -> Scores:
        """Runs the network on the event loop if that is known to be quick; frames never are."""
        run = partial(self._run, request, deadline)
        rows = self._rows(request)
        seconds = self.cost.seconds(rows)
        if not self.network.takes_vectors or seconds > LONGEST_ON_LOOP:
            if deadline is not None:
                deadline.check(self.executor.expected_seconds() + seconds)
            scores, counts = await self.executor.run_network(_checked(check, run), seconds)
        else:
            if (turn := self.time_slice.wait()) is not None:
                await turn
            scores, counts = run()
        self.cost.observe(rows, counts.seconds)
        self.metrics.record_batch(counts)  # on the event loop: the store has one writer
        return scores

    def _rows(self, request: InferenceRequest) -> int:
        return len(request.inputs[self.signature.inputs[0].name])

    async def _encode(
        self, request: InferenceRequest, scores: Scores, check: Check
    ) -> InferenceResponse:
        """Encodes tensors in binary on the event loop, long JSON and labels on a thread."""
        encode = partial(encode_response, self.network, request, scores)
        are_few = len(scores.distance) <= MOST_ROWS_WRITTEN_ON_LOOP
        if all((wanted.binary or are_few) and not wanted.classes for wanted in request.outputs):
            return encode()
        return await self.executor.run_codec(_checked(check, encode))

    def _run(
        self, request: InferenceRequest, deadline: Deadline | None = None
    ) -> tuple[Scores, BatchCounts]:
        """Runs the network once, unless the deadline is over; may be called from any thread."""
        if deadline is not None:
            deadline.check()
        values, given = request.inputs[self.signature.inputs[0].name], request.inputs.get
        start = perf_counter()
        scores = self.network.predict_batch(
            values, given("lengths"), given("prosody"), given("baseline")
        )
        return scores, self.metrics.count(
            perf_counter() - start, scores.distance, scores.baseline_distance
        )


def _checked(check: Check, run: Callable[[], T]) -> Callable[[], T]:
    """Returns a function that calls `check`, then `run`."""

    def run_checked() -> T:
        check()
        return run()

    return run_checked
