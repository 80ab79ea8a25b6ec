"""The memory-mapped store, which outlives its process."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from configuration import ROOT
from server.metrics.store import Key, MetricStore, read_sums
from tests.support.machine.small_disk import small_disk

KEY = Key("family", ("label",))

COUNT_AND_WAIT = """
import sys
from contextlib import closing
from pathlib import Path
from server.metrics.store import Key, MetricStore
MetricStore.acquire(Path(sys.argv[1])).series(Key("family", ("label",)), 2)[1] += 1.0
print("counted", flush=True)
sys.stdin.read()
"""


def test_the_next_process_takes_over_the_store_of_a_killed_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT_AND_WAIT, str(tmp_path)]
    for number in range(1, 4):
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"counted\n"
            assert read_sums(tmp_path) == {KEY: [0.0, number]}
            process.kill()
    assert len(list(tmp_path.glob("*.keys"))) == 1


def test_each_living_process_has_its_own_store(tmp_path: Path) -> None:
    stores = [MetricStore.acquire(tmp_path) for _ in range(3)]
    for store in stores:
        store.series(KEY, 1)[0] += 1.0
        store.close()
    assert read_sums(tmp_path) == {KEY: [3.0]}


def test_an_incomplete_key_is_written_again(tmp_path: Path) -> None:
    with closing(MetricStore.acquire(tmp_path)) as store:
        store.series(KEY, 1)[0] = 5.0
    with (tmp_path / "0.keys").open("ab") as keys:
        keys.write(b'["other", ["la')
    assert read_sums(tmp_path) == {KEY: [5.0]}
    other = Key("other", ("label",))
    with closing(MetricStore.acquire(tmp_path)) as store:
        store.series(other, 1)[0] = 7.0
    assert read_sums(tmp_path) == {KEY: [5.0], other: [7.0]}


def test_a_full_store_logs_an_error_and_does_not_raise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(MetricStore.acquire(tmp_path)) as store:
        store.series(KEY, 16_000)
        store.series(Key("more", ()), 1_000)[999] += 1.0
    assert list(read_sums(tmp_path)) == [KEY]
    assert "not kept" in caplog.text


def test_a_small_disk_costs_new_series_only(tmp_path: Path) -> None:
    """A full disk takes the first part of a line."""
    lost, later = Key("lost", ("x" * 3_000,)), Key("later", ("x",))
    with small_disk(tmp_path / "disk", 1) as disk:
        with closing(MetricStore.acquire(disk.path)) as store:
            kept = Key("kept", ("x" * 3_000,))
            store.series(kept, 1)[0] = 1.0
            disk.fill()
            store.series(lost, 1)[0] = 1.0
            disk.clear()
            store.series(later, 1)[0] = 1.0
            assert read_sums(disk.path) == {kept: [1.0], later: [1.0]}
        with closing(MetricStore.acquire(disk.path)) as store:
            assert store.read().keys() == {kept, later}
