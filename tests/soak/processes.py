"""Memory, file descriptors and cores of a server's processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import sched_getaffinity, sched_setaffinity

from tests.support.harness import RUN, Server


def memory(server: Server) -> int:
    """Resident bytes of all processes."""
    return sum(process.memory_info().rss for process in server.tree())


def descriptors(server: Server) -> int:
    """Open file descriptors of all processes."""
    return sum(process.num_fds() for process in server.tree())


@contextmanager
def own_core() -> Iterator[tuple[str, ...]]:
    """Moves this process to the last core; yields the command of a server on the other cores."""
    cores = sorted(sched_getaffinity(0))
    if len(cores) < 2:
        yield RUN
        return
    sched_setaffinity(0, cores[-1:])
    try:
        yield ("taskset", "--cpu-list", ",".join(map(str, cores[:-1])), *RUN)
    finally:
        sched_setaffinity(0, cores)
