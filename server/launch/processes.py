"""Process ids and signals."""

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt_orphans() -> None:
    """Makes this process the parent of every descendant whose own parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


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
