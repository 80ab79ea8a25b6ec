"""Large batches: worked on beside the event loop, one after the other, as many as memory bears."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from server import problems

# Lower than everything else's: the event loops and Nginx need little, but at once.
NICENESS = 10
SWITCH_SECONDS = 0.0005

T = TypeVar("T")


class BatchQueue:
    """The batches of one worker.

    One thread, since a worker has one core: more would only take turns. ONNX Runtime releases the
    interpreter while it computes, so single predictions go on meanwhile.

    maximum_bytes: of the bodies that are under way together; a body above it may come alone.
    """

    def __init__(self, maximum_bytes: int) -> None:
        self._maximum_bytes = maximum_bytes
        self._bytes = 0
        self._executor = ThreadPoolExecutor(1, "batches", _give_way)

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

    async def run(self, work: Callable[[], T]) -> T:
        """Does the work when its turn has come."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)


def _give_way() -> None:
    """Lowers the priority of this thread, which Linux knows as a process of its own.

    From now on two threads share the interpreter: the event loop's asks for it after half a
    millisecond, not after five.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
