"""Jobs on a real Dask cluster of two worker processes, and here."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from configuration import ROOT
from tests.training.conftest import Here
from training.cross_validation import Experiment
from training.evaluation import evaluate
from training.examples import Examples
from training.features.cache import FeatureCache
from training.folds import Fold
from training.storage import scheduling
from training.storage.scheduling import Scheduler, SchedulerError
from training.systems import dnn
from training.systems.base.system import Caches
from training.systems.base.trainer import Trainer

DEADLINE = 120.0  # seconds
FOLDS: tuple[Fold, ...] = (("01", "02"), ("03", "04"), ("05", "06"))
JOBS = 3 + 3  # a fit without each fold, and without each pair of them
T = TypeVar("T")


class Cluster:
    """A Dask scheduler and its workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = str(wait_for(partial(self.found, r"Scheduler at:\s+(tcp://\S+)")))
        self.workers = [self.start_worker(), self.start_worker()]

    def start(self, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments]
        with (self.folder / f"{kind}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )
        self.processes.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        return self.start(
            "worker", self.address, *options, "--local-directory", str(self.folder / "spill")
        )

    def found(self, pattern: str) -> str | None:
        match = re.search(pattern, (self.folder / "scheduler.log").read_text())
        return match[1] if match else None

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], T | None]) -> T:
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(condition)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers, until the last test that takes it kills one."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def measure(examples: Examples, cache: FeatureCache) -> Callable[[Path, Scheduler], np.ndarray]:
    """Out-of-fold logits of a small network with three folds."""

    def run(directory: Path, scheduler: Scheduler) -> np.ndarray:
        few = examples.where(examples.of(["01", "02", "03", "04", "05", "06"]))
        values = {"epochs": 60, "batch_size": 16, "variants": 0}
        caches = replace(Caches.under(directory), features=cache)
        trainer = Trainer.of(dnn.SYSTEM.with_hyperparameters(values), caches)
        experiment = Experiment(trainer, few, directory, {})
        return evaluate(experiment, FOLDS, (1,), scheduler, controls=False).logits

    return run


@pytest.fixture(scope="module")
def here(
    measure: Callable[[Path, Scheduler], np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> np.ndarray:
    """The logits of fits in this process."""
    return measure(tmp_path_factory.mktemp("here"), Here())


def test_pool_and_cluster_give_the_same_metrics_bit_for_bit(
    cluster: Cluster,
    measure: Callable[[Path, Scheduler], np.ndarray],
    here: np.ndarray,
    tmp_path: Path,
) -> None:
    np.testing.assert_array_equal(here, measure(tmp_path / "pool", Scheduler()))
    np.testing.assert_array_equal(here, measure(tmp_path / "dask", Scheduler(cluster.address)))


def test_a_worker_that_is_killed_halfway_loses_nothing(
    cluster: Cluster,
    measure: Callable[[Path, Scheduler], np.ndarray],
    here: np.ndarray,
    tmp_path: Path,
) -> None:
    outcomes = tmp_path / "dask"

    def kill_one() -> int:
        wait_for(lambda: list(outcomes.glob("*.npz")))
        cluster.workers[0].kill()
        return len(list(outcomes.glob("*.npz")))

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill_one)
        found = measure(outcomes, Scheduler(cluster.address))
        done_before = killing.result(DEADLINE)
    assert cluster.workers[0].wait(DEADLINE) != 0
    assert 1 <= done_before < JOBS
    np.testing.assert_array_equal(found, here)


def test_no_cluster_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "CONNECT_SECONDS", 1)
    with pytest.raises(SchedulerError, match=r"tcp://127.0.0.1:9: no Dask scheduler answers"):
        Scheduler("tcp://127.0.0.1:9").run(abs, [1], "numbers", "number")
