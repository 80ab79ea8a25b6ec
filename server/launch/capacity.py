"""How many workers the cores and the memory that are granted to this process can carry."""

import os
from pathlib import Path

from server.launch.cgroups import ControlGroups
from server.launch.cores import usable_cores

# Measured, with room: what the libraries and the other processes take, and what a worker takes for
# itself. A reload has every worker twice.
BYTES_WITHOUT_WORKERS = 128 * 2**20
BYTES_OF_A_WORKER = 2 * 64 * 2**20


def default_workers(groups: ControlGroups | None = None) -> int:
    """One for each usable core, as far as the memory goes; at least 1."""
    groups = groups or ControlGroups()
    affordable = (usable_memory(groups) - BYTES_WITHOUT_WORKERS) // BYTES_OF_A_WORKER
    return max(1, min(usable_cores(groups), affordable))


def usable_memory(groups: ControlGroups | None = None) -> int:
    """Bytes of memory of the machine, bounded by the limits of the control groups."""
    limits = map(_limit, (groups or ControlGroups()).folders("memory"))
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([installed, *(limit for limit in limits if limit)])


def _limit(group: Path) -> int | None:
    """The limit of one group in bytes; None where there is none."""
    for file in ("memory.max", "memory.limit_in_bytes"):
        try:
            limit = (group / file).read_text(encoding="ascii").strip()
        except OSError:
            continue
        return None if limit == "max" else int(limit)
    return None
