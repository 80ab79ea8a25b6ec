"""Runs the steps of large batches on threads beside the event loop, within a memory limit."""

import asyncio
import math
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from server.inference.memory import UNLIMITED, WorkerMemory, trim
from server.problems import messages
from server.problems.documents import Problem

# Not lower: while the codecs' thread waits for a core, the event loop may wait for its GIL.
NICENESS = 10
SWITCH_SECONDS = 0.0005
UNCHECKED_BYTES = 65_536  # bodies of up to this size are admitted without a look at the memory
TRIMMED_BYTES = 2**20  # a larger body leaves so much freed memory that it is worth returning

T = TypeVar("T")


class BatchExecutor:
    """The threads of one worker for batches: one for networks and one for long JSON.

    A worker has one core, so more threads would only alternate. ONNX Runtime releases the GIL while
    it computes, so the event loop goes on. JSON codecs hold the GIL.

    maximum_bytes: of all bodies that are open; a longer one is admitted while there is no other.
    """

    def __init__(self, maximum_bytes: int, memory: WorkerMemory = UNLIMITED) -> None:
        self._maximum_bytes = maximum_bytes
        self._memory = memory
        self._bytes = 0
        self._queued_seconds = 0.0  # of runs that wait or run
        self._networks = ThreadPoolExecutor(1, "networks", _run_when_idle)
        self._codecs = ThreadPoolExecutor(1, "codecs", _lower_priority)

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Reserves memory for a body of `size` bytes, before it is read.

        Raises:
            Problem: 503, not enough is left.
        """
        if self._bytes and self._bytes + size > self._maximum_bytes:
            raise Problem(messages.TOO_MANY_BATCHES)
        if size > UNCHECKED_BYTES and not self._memory.has_room(size, is_idle=not self._bytes):
            raise Problem(messages.SHORT_OF_MEMORY)
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size
            if size > TRIMMED_BYTES and not self._bytes:
                self._codecs.submit(trim)

    def expected_seconds(self) -> float:
        """The estimated time until a new run of a network would start."""
        return self._queued_seconds

    async def run_network(self, run: Callable[[], T], seconds: float = 0.0) -> T:
        """Runs a network, after the runs before it.

        seconds: the estimated time of the run.
        """
        seconds = seconds if math.isfinite(seconds) else 0.0
        self._queued_seconds += seconds
        try:
            return await _run(self._networks, run)
        finally:
            self._queued_seconds -= seconds

    async def run_codec(self, run: Callable[[], T]) -> T:
        """Decodes or encodes long JSON, after the runs before it."""
        return await _run(self._codecs, run)


async def _run(executor: Executor, run: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, run)


def _run_when_idle() -> None:
    """Lets every other thread preempt this one; Linux schedules threads one by one."""
    with suppress(OSError):  # a sandbox may forbid it
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _lower_priority() -> None:
    """Lowers the priority of this thread.

    It shares the GIL with the event loop, which now requests it after half a millisecond instead of
    Python's five.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
