"""Limits the time that predictions take in each iteration of the event loop."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from time import perf_counter

SLICE_SECONDS = 0.01


class EventLoopTimeSlice:
    """Admits predictions for some milliseconds of each iteration; the rest wait in order.

    Between two iterations the event loop accepts connections (uvloop: one an iteration) and answers
    health checks. Without a limit, both would stall under overload until all predictions are done.
    """

    def __init__(self, seconds: float = SLICE_SECONDS) -> None:
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._began = 0.0  # 0: no prediction in this iteration yet
        self._admitted = 1  # predictions in this slice
        self._admitted_before = 0  # in the slice before
        self._last_runs: list[Callable[[], None]] = []
        self._reserved = 0.0  # estimated seconds of the last runs

    @property
    def crowd(self) -> int:
        """The predictions of this slice so far, or of the slice before it if those were more."""
        return max(self._admitted, self._admitted_before)

    def wait(self) -> Awaitable[None] | None:
        """An awaitable for the next free slice; None if this slice has time left."""
        now = perf_counter()
        if not self._began:
            self._begin(now)
        if self._waiting or now - self._began + self._reserved > self._seconds:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            return turn
        self._admitted += 1
        return None

    def expected_seconds(self) -> float:
        """The estimated wait of the next prediction."""
        return len(self._waiting) / max(1, self._admitted) * self._seconds

    def run_last(self, run: Callable[[], None]) -> None:
        """Calls `run` at the end of this slice."""
        if not self._began:
            self._begin(perf_counter())
        self._last_runs.append(run)

    def reserve(self, seconds: float) -> None:
        """Reserves time of this slice for the last runs; infinite: all that is left of it."""
        self._reserved += seconds

    def _begin(self, now: float) -> None:
        self._began, self._admitted = now, 0
        asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        """Ends a slice, and admits to the next one as many as fit, in order of arrival."""
        self._admitted_before = self._admitted
        try:
            self._run_last()
        finally:  # else nobody would be admitted any more
            self._admit()

    def _admit(self) -> None:
        if not self._waiting:
            self._began = 0.0
            return
        now = perf_counter()
        began, self._began = self._began, now
        fitting = int(self._admitted * self._seconds / max(now - began, 1e-6))
        self._admitted = max(1, fitting)
        for _ in range(min(self._admitted, len(self._waiting))):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
        # Runs after the predictions that were just admitted.
        asyncio.get_running_loop().call_soon(self._end)

    def _run_last(self) -> None:
        runs, self._last_runs = self._last_runs, []
        self._reserved = 0.0
        for run in runs:
            run()
