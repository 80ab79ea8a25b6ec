"""How many processor cores this process may really use."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable_cores(
    cgroups: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> int:
    """Cores of the affinity mask, bounded by the CPU quota of the control groups; at least 1.

    A fraction of a core is rounded down: a worker that is throttled answers late.

    cgroups: where the control groups (version 1, 2 or both) are mounted.
    membership: names the groups of this process, in the form of /proc/PID/cgroup.
    """
    cores = len(os.sched_getaffinity(0))
    return max(1, int(min([cores, *_quotas(cgroups, membership)])))


def _quotas(cgroups: Path, membership: Path) -> Iterator[float]:
    """The quota, in cores, of each group that this process is in, from its own to the root."""
    try:
        lines = membership.read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            mount = cgroups / controllers
            # A container may see the host's path here, but its own group mounted as the root.
            for folder in (group, *map(str, PurePosixPath(group).parents)):
                yield from _quota(mount / folder.lstrip("/"))


def _quota(group: Path) -> Iterator[float]:
    """The quota of one group in cores; nothing where there is none."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
            period = (group / "cpu.cfs_period_us").read_text(encoding="ascii")
    except OSError:
        return
    if quota not in ("max", "-1"):
        yield int(quota) / int(period)
