"""Gives up what the extractor does not need: files, sockets, processes, unbounded memory."""

import math
import signal
import sys

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]


def give_up_rights(memory: int) -> None:
    """Forbids new files, sockets and processes, and more than `memory` bytes.

    Linux holds all of these; macOS ignores the limit of memory; Windows has none of them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits
    if resource is None:
        return
    limits = {
        "RLIMIT_DATA": memory,  # on Linux, all memory but files and shared memory
        "RLIMIT_NOFILE": 0,  # files that are open stay open
        "RLIMIT_NPROC": 0,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,  # a dump would hold the audio
    }
    for name, limit in limits.items():
        try:
            _lower(getattr(resource, name), limit)
        except (OSError, ValueError):
            if sys.platform == "linux":  # elsewhere a kernel may refuse one of them
                raise


def limit_processor_time(seconds: int) -> None:
    """Ends this process after so many seconds, even if its parent has been killed."""
    if resource is None:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    end = math.ceil(usage.ru_utime + usage.ru_stime) + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (_smaller(end, hard), hard))


def _lower(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = _smaller(limit, hard)
    resource.setrlimit(kind, (limit, limit))


def _smaller(limit: int, hard: int) -> int:
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard)
