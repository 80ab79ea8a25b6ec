import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.contenders import ALONE, TCN, release_in
from benchmarks.payloads import REST
from benchmarks.results import load_results
from benchmarks.run import chosen, parser
from benchmarks.serving import BenchmarkError, check_answers
from configuration import ROOT
from tests.support.harness import running
from tests.support.missing import missing

SERVED = (
    *("TCN/server", "TCN/beside", "DNN/empty-alone"),
    *("batches/binary", "workers-DNN/2"),
)
BARE = ("TCN/bare", "batches/bare")


@pytest.fixture(scope="module")
def written(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the results of a short race, of this checkout beside itself."""
    if shutil.which("wrk") is None:
        missing("wrk is missing: sudo apt-get install wrk")
    folder = tmp_path_factory.mktemp("bench")
    arguments = ["--rounds", "1", "--seconds", "1", "--output", str(folder)]
    arguments += ["--beside", str(ROOT), "--workers", "2", "--races", *SERVED, *BARE]
    # In a process of its own: a turn ends with the kill of all descendants.
    subprocess.run([sys.executable, "-m", "benchmarks.run", *arguments], cwd=ROOT, check=True)
    return folder


def test_every_contender_has_times_and_memory(written: Path) -> None:
    results = load_results(written / "results.json")
    assert set(results.entries) == {*SERVED, *BARE}
    for entry in results.entries.values():
        (turn,) = entry.turns
        assert turn.load.answers > 0
        assert 0 < turn.load.p50_ms <= turn.load.p99_ms
        assert turn.cpu_ms > 0
        assert entry.versions["onnxruntime"]
    for name in SERVED:
        assert results.entries[name].turns[0].pss_mib > 10


def test_the_report_compares_with_the_limit_and_with_the_other_release(written: Path) -> None:
    table = (written / "table.md").read_text()
    for name in ("a bare loop around ONNX Runtime: ", "aim 0.75", "aim 3", "aim 0.63"):
        assert name in table


def test_the_report_is_reproducible(written: Path, tmp_path: Path) -> None:
    arguments = [str(written / "results.json"), str(tmp_path)]
    subprocess.run([sys.executable, "-m", "benchmarks.report", *arguments], cwd=ROOT, check=True)
    for name in ("results.json", "table.md", "plot.svg"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_an_unknown_race_is_refused() -> None:
    options = parser().parse_args(["--races", "CNN"])
    with pytest.raises(BenchmarkError, match="--races CNN: expected one of DNN, "):
        chosen(options)


def test_a_release_is_named_by_its_commit() -> None:
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True)
    frames, vectors = release_in(ROOT)
    assert commit.strip() in frames.title
    assert (frames.path, vectors.path) == ("/prediction/TCN", "/prediction/DNN")


def test_wrong_probabilities_exclude_a_contender(tmp_path: Path) -> None:
    reversed_ = replace(REST, read=lambda answer, length: REST.read(answer, length)[::-1])
    with running(tmp_path, "--without-nginx") as server:
        for contender in (ALONE, replace(ALONE, workload=TCN)):
            check_answers(contender, server.port)
            with pytest.raises(BenchmarkError, match="ONNX Runtime itself gives"):
                check_answers(replace(contender, format=reversed_), server.port)
