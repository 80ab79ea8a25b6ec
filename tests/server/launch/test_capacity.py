import os
from pathlib import Path

import pytest

from server.launch.capacity import (
    BYTES_OF_BATCH,
    BYTES_OF_IDLE_WORKER,
    ControlGroups,
    affordable_workers,
    default_workers,
    usable_cores,
    usable_memory,
    worker_share,
)

CORES = len(os.sched_getaffinity(0))
MEBIBYTE = 2**20
MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def groups(tmp_path: Path, membership: str) -> ControlGroups:
    write(tmp_path / "membership", membership)
    return ControlGroups(tmp_path, tmp_path / "membership")


def test_without_control_groups_the_machine_counts(tmp_path: Path) -> None:
    nowhere = ControlGroups(tmp_path, tmp_path / "nothing")
    assert usable_cores(nowhere) == CORES
    assert usable_memory(nowhere) == MEMORY


def test_a_quota_of_version_2_counts(tmp_path: Path) -> None:
    write(tmp_path / "a/b/cpu.max", "100000 100000\n")
    write(tmp_path / "a/b/memory.max", "1000000\n")
    assert usable_cores(groups(tmp_path, "0::/a/b\n")) == 1
    assert usable_memory(groups(tmp_path, "0::/a/b\n")) == 1_000_000


def test_a_quota_of_a_parent_counts(tmp_path: Path) -> None:
    write(tmp_path / "a/cpu.max", "50000 50000\n")
    write(tmp_path / "a/b/cpu.max", "max 100000\n")
    write(tmp_path / "a/memory.max", "1000000\n")
    write(tmp_path / "a/b/memory.max", "max\n")
    assert usable_cores(groups(tmp_path, "0::/a/b\n")) == 1
    assert usable_memory(groups(tmp_path, "0::/a/b\n")) == 1_000_000


def test_a_quota_of_version_1_counts(tmp_path: Path) -> None:
    write(tmp_path / "cpu,cpuacct/docker/1/cpu.cfs_quota_us", "100000\n")
    write(tmp_path / "cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n")
    write(tmp_path / "memory/docker/1/memory.limit_in_bytes", "1000000\n")
    both = groups(tmp_path, "5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n")
    assert usable_cores(both) == 1
    assert usable_memory(both) == 1_000_000


def test_a_container_that_sees_the_path_of_its_host_finds_its_own_quota(tmp_path: Path) -> None:
    write(tmp_path / "cpu/cpu.cfs_quota_us", "100000\n")
    write(tmp_path / "cpu/cpu.cfs_period_us", "100000\n")
    write(tmp_path / "memory/memory.limit_in_bytes", "1000000\n")
    both = groups(tmp_path, "4:cpu:/docker/0123\n5:memory:/docker/0123\n")
    assert usable_cores(both) == 1
    assert usable_memory(both) == 1_000_000


@pytest.mark.parametrize("quota", ["max 100000\n", "100000000 100000\n"])
def test_a_wide_quota_leaves_the_affinity(tmp_path: Path, quota: str) -> None:
    write(tmp_path / "cpu.max", quota)
    assert usable_cores(groups(tmp_path, "0::/\n")) == CORES


@pytest.mark.parametrize("limit", ["max\n", "9223372036854771712\n"])
def test_a_wide_limit_leaves_the_memory_of_the_machine(tmp_path: Path, limit: str) -> None:
    write(tmp_path / "memory.max", limit)
    assert usable_memory(groups(tmp_path, "0::/\n")) == MEMORY


@pytest.mark.parametrize("quota", ["10000 100000\n", "190000 100000\n"])
def test_a_fraction_is_rounded_down_but_not_to_nothing(tmp_path: Path, quota: str) -> None:
    write(tmp_path / "cpu.max", quota)
    assert usable_cores(groups(tmp_path, "0::/\n")) == 1


@pytest.mark.parametrize(("mebibytes", "workers"), [(16, 1), (256, 1), (383, 1), (16_384, CORES)])
def test_workers_fit_the_cores_and_the_memory(tmp_path: Path, mebibytes: int, workers: int) -> None:
    write(tmp_path / "memory.max", f"{mebibytes * MEBIBYTE}\n")
    assert default_workers(groups(tmp_path, "0::/\n")) == workers


@pytest.mark.parametrize(("mebibytes", "affordable"), [(512, 1), (768, 3), (4_096, 18)])
def test_a_worker_always_has_room_for_a_batch(
    tmp_path: Path, mebibytes: int, affordable: int
) -> None:
    """Also with more workers than fit into the memory: otherwise each batch would be refused."""
    write(tmp_path / "memory.max", f"{mebibytes * MEBIBYTE}\n")
    found = groups(tmp_path, "0::/\n")
    assert affordable_workers(found) == affordable
    for workers in (1, affordable, 64):
        assert worker_share(workers, found) >= BYTES_OF_IDLE_WORKER + BYTES_OF_BATCH
