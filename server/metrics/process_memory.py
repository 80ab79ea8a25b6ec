"""The private memory of a process."""

import os

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STATM_BYTES = 256  # at most: seven numbers


def private_bytes(process: int) -> int:
    """The resident memory that a process does not share with others, in bytes.

    PERF: 5 microseconds, as it does without a file object. `smaps_rollup` is exact, but takes
    milliseconds.

    Raises:
        OSError: the process has ended.
    """
    file = os.open(f"/proc/{process}/statm", os.O_RDONLY)
    try:
        _, resident, shared, *_ = os.read(file, STATM_BYTES).split()
    finally:
        os.close(file)
    return (int(resident) - int(shared)) * PAGE_BYTES
