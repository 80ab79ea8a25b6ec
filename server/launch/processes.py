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
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(parent: int) -> None:
    """Sends SIGTERM to this process when `parent`, which has just forked it, ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the call
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def blocked_stop_signals() -> Iterator[tuple[signal.Signals, ...]]:
    """Delays the stop signals; use it around a fork, until the child has handlers of its own."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield STOP_SIGNALS
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
