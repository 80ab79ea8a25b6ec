"""Large batches: worked on beside the event loop, one after the other, as many as memory bears."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

from server import problems

# Of what holds the interpreter: while it waits for a core, the event loop may wait for it.
NICENESS = 10
SWITCH_SECONDS = 0.0005

T = TypeVar("T")


class BatchQueue:
    """The batches of one worker.

    One thread for networks, since a worker has one core: more would only take turns. ONNX Runtime
    releases the interpreter while it computes, so single predictions go on meanwhile. Another one
    for long JSON, which holds the interpreter.

    maximum_bytes: of the bodies that are under way together; a body above it may come alone.
    """

    def __init__(self, maximum_bytes: int) -> None:
        self._maximum_bytes = maximum_bytes
        self._bytes = 0
        self._networks = ThreadPoolExecutor(1, "networks", _take_what_is_left)
        self._texts = ThreadPoolExecutor(1, "texts", _give_way)

    @contextmanager
    def place(self, size: int) -> Iterator[None]:
        """A place for a body of that many bytes, before it is read.

        Raises:
            Problem: 503, there is no more room.
        """
        if self._bytes and self._bytes + size > self._maximum_bytes:
            raise problems.too_many_batches()
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size

    async def compute(self, work: Callable[[], T]) -> T:
        """Asks a network when its turn has come."""
        return await _run(self._networks, work)

    async def parse(self, work: Callable[[], T]) -> T:
        """Reads or writes long JSON when its turn has come."""
        return await _run(self._texts, work)


async def _run(executor: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, work)


def _take_what_is_left() -> None:
    """Lets this thread, which Linux schedules by itself, be interrupted by every other one."""
    with suppress(OSError):  # a sandbox may not allow it
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _give_way() -> None:
    """Lowers the priority of this thread.

    From now on two threads share the interpreter: the event loop's asks for it after half a
    millisecond, not after five.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
