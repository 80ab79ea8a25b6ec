"""The private memory of a process."""

import os
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def private_bytes(process: int) -> int:
    """The resident memory that a process does not share with others, in bytes.

    PERF: 10 microseconds. `smaps_rollup` is exact, but takes milliseconds.

    Raises:
        OSError: the process has ended.
    """
    text = Path(f"/proc/{process}/statm").read_text(encoding="ascii")
    _, resident, shared, *_ = text.split()
    return (int(resident) - int(shared)) * PAGE_BYTES
