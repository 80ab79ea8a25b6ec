"""Process ids and signals."""

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
# Replaces the module `time` in libraries that measure by the system's clock, which may jump.
MONOTONIC = SimpleNamespace(time=time.monotonic, monotonic=time.monotonic, sleep=time.sleep)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GUNICORN_STOP_SIGNALS = (*STOP_SIGNALS, signal.SIGQUIT)


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(number: signal.Signals, parent: int | None = None) -> None:
    """Sends the signal to this process when its parent ends.

    parent: its process id, if it may have ended before this call.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), number)


@contextmanager
def blocked_stop_signals() -> Iterator[tuple[signal.Signals, ...]]:
    """Delays the stop signals; use it around a fork, until the child has handlers of its own."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, GUNICORN_STOP_SIGNALS)
    try:
        yield GUNICORN_STOP_SIGNALS
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def children(process: int) -> list[int]:
    """The process ids of the children of a process; empty if it has ended."""
    found = []
    for tasks in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for child in tasks.read_text(encoding="ascii").split()]
    return found


def is_gunicorn(process: int) -> bool:
    """Whether the process is alive and a Gunicorn master or worker."""
    with suppress(OSError):
        return b"gunicorn" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def send_signal(process: int, number: signal.Signals) -> None:
    """Sends a signal to a process, unless it has ended."""
    with suppress(ProcessLookupError):
        os.kill(process, number)
