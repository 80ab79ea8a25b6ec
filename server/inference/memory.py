"""The memory of this worker: what it uses, its share, and what goes back to the system."""

import ctypes
import os
from contextlib import suppress

from server.metrics.definitions import MEMORY_REFUSALS
from server.metrics.process_memory import private_bytes
from server.metrics.store import MetricStore, Values

BYTES_PER_BODY_BYTE = 2  # at least, of a large body with what is made from it

# Of malloc(3), from malloc.h. Without these glibc raises both limits up to the largest block that
# was ever freed, and never returns that much to the system.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
TRIM_BYTES = 8 * 2**20  # for each thread
MMAP_BYTES = 4 * 2**20


def return_freed_memory() -> None:
    """Makes malloc return large blocks to the system; does nothing in a C library but glibc."""
    with suppress(AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)


class WorkerMemory:
    """Compares the private memory of this process with its share.

    share: bytes; None: unlimited.
    """

    def __init__(self, share: int | None, refusals: Values) -> None:
        self._share = share
        self._refusals = refusals

    @classmethod
    def counted(cls, share: int | None, store: MetricStore) -> "WorkerMemory":
        """Counts the refusals in a store."""
        return cls(share, MEMORY_REFUSALS.series(store))

    def has_room(self, size: int, *, is_idle: bool) -> bool:
        """Whether a body of `size` bytes fits into the share; counts a refusal if not.

        is_idle: whether no large body is open, so that freed memory is worth returning.
        """
        if self._share is None or self._fits(size, self._share):
            return True
        if is_idle:
            trim()
            if self._fits(size, self._share):
                return True
        self._refusals[0] += 1.0
        return False

    def _fits(self, size: int, share: int) -> bool:
        return private_bytes(os.getpid()) + BYTES_PER_BODY_BYTE * size <= share


def trim() -> None:
    """Returns the free pages of malloc to the system: milliseconds, without the GIL."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


UNLIMITED = WorkerMemory(None, memoryview(bytearray(8)).cast("d"))
