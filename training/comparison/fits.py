"""Fits whose outcomes are kept, so that none is made twice."""

import functools
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.arrays import Float32, Integers
from training.comparison.learners import Learner
from training.storage.atomic_write import atomic_write
from training.storage.code_digest import code_digest
from training.storage.scheduling import Scheduler


@dataclass(frozen=True)
class Outcome:
    """What a model said of the n utterances that it was not fitted to."""

    probabilities: Float32  # (n, L)
    losses: Float32  # (epochs,)
    seconds: float  # of computing on one thread, which the fit took


@dataclass(frozen=True)
class Task:
    """One fit: a learner, and the utterances that take no part."""

    learner: Learner
    utterances: int
    held_out: tuple[int, ...]
    seed: int

    def run(self) -> Outcome:
        """Fits, and asks about what was held out."""
        held_out = np.array(self.held_out)
        start = time.process_time()
        predictor = self.learner.fit(training_rows(self.utterances, held_out), self.seed)
        seconds = time.process_time() - start
        return Outcome(predictor.probabilities(held_out), predictor.losses, seconds)


def training_rows(utterances: int, held_out: Integers) -> Integers:
    """All the others."""
    return np.setdiff1d(np.arange(utterances), held_out)


def identity_digest(learner: Learner) -> str:
    """A hash of all that a fit of this learner depends on beside its rows and its seed."""
    text = json.dumps([learner.identity(), code_digest((__name__,))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def run_fits(
    tasks: Sequence[Task], directory: Path, scheduler: Scheduler, name: str
) -> list[Outcome]:
    """The outcome of every task; those that were run before are read."""
    digests = {id(task.learner): identity_digest(task.learner) for task in tasks}
    paths = [_path(directory, name, digests[id(task.learner)], task) for task in tasks]
    to_do = {path: task for path, task in zip(paths, tasks, strict=True) if not path.exists()}
    work = [(task, path) for path, task in to_do.items()]
    scheduler.run(_run_and_keep, work, f"{name} fits", "fit")
    read = functools.cache(_read)
    return [read(path) for path in paths]


def _path(directory: Path, name: str, digest: str, task: Task) -> Path:
    text = json.dumps([digest, task.held_out, task.seed])
    return directory / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:24]}.npz"


def _run_and_keep(work: tuple[Task, Path]) -> None:
    task, path = work
    outcome = task.run()
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez(
            file,
            probabilities=outcome.probabilities,
            losses=outcome.losses,
            seconds=outcome.seconds,
        )


def _read(path: Path) -> Outcome:
    with np.load(path) as arrays:
        return Outcome(arrays["probabilities"], arrays["losses"], float(arrays["seconds"]))
