"""How many processor cores this process may really use."""

import os
from pathlib import Path

from server.launch.cgroups import ControlGroups


def usable_cores(groups: ControlGroups | None = None) -> int:
    """Cores of the affinity mask, bounded by the CPU quota of the control groups; at least 1.

    A fraction of a core is rounded down: a worker that is throttled answers late.
    """
    quotas = map(_quota, (groups or ControlGroups()).folders("cpu"))
    cores = len(os.sched_getaffinity(0))
    return max(1, int(min([cores, *(quota for quota in quotas if quota)])))


def _quota(group: Path) -> float | None:
    """The quota of one group in cores; None where there is none."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
            period = (group / "cpu.cfs_period_us").read_text(encoding="ascii")
    except OSError:
        return None
    return None if quota in ("max", "-1") else int(quota) / int(period)
