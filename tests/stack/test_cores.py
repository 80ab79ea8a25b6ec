import os
from pathlib import Path

import pytest

from server.cores import usable_cores

CORES = len(os.sched_getaffinity(0))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def cores(tmp_path: Path, membership: str) -> int:
    write(tmp_path / "membership", membership)
    return usable_cores(tmp_path, tmp_path / "membership")


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cores(tmp_path, tmp_path / "nothing") == CORES


def test_a_quota_of_version_2_counts(tmp_path: Path) -> None:
    write(tmp_path / "a/b/cpu.max", "100000 100000\n")
    assert cores(tmp_path, "0::/a/b\n") == 1


def test_a_quota_of_a_parent_counts(tmp_path: Path) -> None:
    write(tmp_path / "a/cpu.max", "50000 50000\n")
    write(tmp_path / "a/b/cpu.max", "max 100000\n")
    assert cores(tmp_path, "0::/a/b\n") == 1


def test_a_quota_of_version_1_counts(tmp_path: Path) -> None:
    write(tmp_path / "cpu,cpuacct/docker/1/cpu.cfs_quota_us", "100000\n")
    write(tmp_path / "cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n")
    assert cores(tmp_path, "5:memory:/x\n4:cpu,cpuacct:/docker/1\n") == 1


def test_a_container_that_sees_the_path_of_its_host_finds_its_own_quota(tmp_path: Path) -> None:
    write(tmp_path / "cpu/cpu.cfs_quota_us", "100000\n")
    write(tmp_path / "cpu/cpu.cfs_period_us", "100000\n")
    assert cores(tmp_path, "4:cpu:/docker/0123\n") == 1


@pytest.mark.parametrize("quota", ["max 100000\n", "100000000 100000\n"])
def test_a_wide_quota_leaves_the_affinity(tmp_path: Path, quota: str) -> None:
    write(tmp_path / "cpu.max", quota)
    assert cores(tmp_path, "0::/\n") == CORES


@pytest.mark.parametrize("quota", ["10000 100000\n", "190000 100000\n"])
def test_a_fraction_is_rounded_down_but_not_to_nothing(tmp_path: Path, quota: str) -> None:
    write(tmp_path / "cpu.max", quota)
    assert cores(tmp_path, "0::/\n") == 1
