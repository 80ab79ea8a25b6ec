"""The cores and the memory that this process may use, and the number of workers for them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Measured and rounded up: memory of the libraries and the processes beside Nginx and the workers;
# of an idle worker; and what the largest batch adds to it.
BYTES_OF_OTHERS = 80 * 2**20
BYTES_OF_IDLE_WORKER = 48 * 2**20
BYTES_OF_BATCH = 40 * 2**20
LEAST_BYTES_OF_WORKER = BYTES_OF_IDLE_WORKER + BYTES_OF_BATCH
GENERATIONS = 2  # of workers, during a reload
BYTES_PER_BATCH_BYTE = 3  # memory of an open batch, for each byte of its body


@dataclass(frozen=True)
class ControlGroups:
    """The control groups of this process: version 1, 2 or both."""

    mount: Path = Path("/sys/fs/cgroup")
    membership: Path = Path("/proc/self/cgroup")

    def folders(self, controller: str) -> Iterator[Path]:
        """Yields the folder of each group that limits this process, from its own to the root.

        controller: its name in version 1, such as `cpu`; in version 2 a group has all controllers.
        """
        try:
            lines = self.membership.read_text(encoding="ascii").splitlines()
        except OSError:
            return
        for line in lines:
            _, controllers, group = line.split(":", 2)
            if controllers == "" or controller in controllers.split(","):
                # A container may see the host's path here, but its own group mounted as the root.
                for folder in (group, *map(str, PurePosixPath(group).parents)):
                    yield self.mount / controllers / folder.lstrip("/")


def default_workers(groups: ControlGroups | None = None) -> int:
    """One worker per usable core, or fewer if the memory is too small; at least 1."""
    groups = groups or ControlGroups()
    return max(1, min(usable_cores(groups), affordable_workers(groups)))


def affordable_workers(groups: ControlGroups | None = None) -> int:
    """The number of workers whose largest batches fit into the memory, also during a reload."""
    return _for_workers(groups or ControlGroups()) // (GENERATIONS * LEAST_BYTES_OF_WORKER)


def nginx_bytes(memory: int) -> int:
    """The bytes of `memory` that Nginx may take."""
    return memory * 3 // 16


def worker_share(workers: int, groups: ControlGroups | None = None) -> int:
    """The memory that one of the workers may have for itself, in bytes.

    It is never so small that a worker refuses every large batch.
    """
    share = _for_workers(groups or ControlGroups()) // (GENERATIONS * workers)
    return max(share, LEAST_BYTES_OF_WORKER)


def affordable_batch_bytes(share: int) -> int:
    """The bytes of all batches that a worker can hold within its share of the memory."""
    return max(2**20, (share - BYTES_OF_IDLE_WORKER) // BYTES_PER_BATCH_BYTE)


def _for_workers(groups: ControlGroups) -> int:
    memory = usable_memory(groups)
    return memory - BYTES_OF_OTHERS - nginx_bytes(memory)


def usable_cores(groups: ControlGroups | None = None) -> int:
    """Cores of the affinity mask, limited by the CPU quotas of the control groups; at least 1.

    Rounds down: a worker with a fraction of a core is throttled and responds late.
    """
    quotas = map(_cpu_quota, (groups or ControlGroups()).folders("cpu"))
    cores = len(os.sched_getaffinity(0))
    return max(1, int(min([cores, *(quota for quota in quotas if quota)])))


def usable_memory(groups: ControlGroups | None = None) -> int:
    """Bytes of memory of the machine, limited by the control groups."""
    limits = map(_memory_limit, (groups or ControlGroups()).folders("memory"))
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([installed, *(limit for limit in limits if limit)])


def _cpu_quota(group: Path) -> float | None:
    """The CPU quota of one group in cores; None if it has none."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
            period = (group / "cpu.cfs_period_us").read_text(encoding="ascii")
    except OSError:
        return None
    return None if quota in ("max", "-1") else int(quota) / int(period)


def _memory_limit(group: Path) -> int | None:
    """The memory limit of one group in bytes; None if it has none."""
    for file in ("memory.max", "memory.limit_in_bytes"):
        try:
            limit = (group / file).read_text(encoding="ascii").strip()
        except OSError:
            continue
        return None if limit == "max" else int(limit)
    return None
