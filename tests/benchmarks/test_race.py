import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.contenders import ALONE, OURS
from benchmarks.payloads import MFCCS, Payload
from benchmarks.race import CONNECTIONS
from benchmarks.results import load_results
from benchmarks.serving import BenchmarkError, check_answers
from configuration import ROOT
from tests.support.harness import running
from tests.support.missing import missing


@pytest.fixture(scope="module")
def written(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the results of a short race without peers."""
    if shutil.which("wrk") is None:
        missing("wrk is missing: sudo apt-get install wrk")
    folder = tmp_path_factory.mktemp("bench")
    arguments = ["--peers", "--rounds", "1", "--seconds", "1", "--output", str(folder)]
    # In a process of its own: a turn ends with the kill of all descendants.
    subprocess.run([sys.executable, "-m", "benchmarks.run", *arguments], cwd=ROOT, check=True)
    return folder


def test_every_contender_has_times_and_memory(written: Path) -> None:
    results = load_results(written / "results.json")
    assert set(results.entries) == {contender.name for contender in OURS}
    for entry in results.entries.values():
        (turn,) = entry.turns
        assert turn.loads[CONNECTIONS].answers > 0
        assert 0 < turn.load.p50_ms <= turn.load.p99_ms
        assert turn.cpu_ms > 0
        assert turn.pss_mib > 10
        assert entry.versions["falcon"]


def test_the_report_is_reproducible(written: Path, tmp_path: Path) -> None:
    arguments = [str(written / "results.json"), str(tmp_path)]
    subprocess.run([sys.executable, "-m", "benchmarks.report", *arguments], cwd=ROOT, check=True)
    for name in ("results.json", "table.md", "plot.svg"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_wrong_probabilities_exclude_a_contender(tmp_path: Path) -> None:
    payload = Payload(MFCCS.write, lambda answer: MFCCS.read(answer)[::-1])
    with running(tmp_path, "--without-nginx") as server:
        check_answers(ALONE, server.port)
        with pytest.raises(BenchmarkError, match="ONNX Runtime itself gives"):
            check_answers(replace(ALONE, payload=payload), server.port)
