"""CPU time and memory of a contender's processes."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from server.processes import children

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def descendants(process: int) -> list[int]:
    """The ids of all descendants of a process."""
    found = []
    for child in children(process):
        found += [child, *descendants(child)]
    return found


def cpu_seconds() -> float:
    """CPU time of all descendants, including ended children."""
    return sum(map(_cpu_seconds, descendants(os.getpid())))


def _cpu_seconds(process: int) -> float:
    with suppress(OSError):
        # The process name before the parenthesis may contain spaces.
        fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS_PER_SECOND
    return 0.0


def pss_mebibytes() -> float:
    """Proportional set size of all descendants: shared memory counts once."""
    return sum(map(_pss_kibibytes, descendants(os.getpid()))) / 1024


def _pss_kibibytes(process: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def end_all() -> None:
    """Kills all descendants and waits for them."""
    while left := descendants(os.getpid()):
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.wait()
