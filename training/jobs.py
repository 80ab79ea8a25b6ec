"""The work of an evaluation in pieces: fits whose outcomes are kept, so that none is made twice."""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.arrays import Float32, Integers
from training.examples import Examples
from training.export.ood_distance import Distance
from training.features.cache import ORIGINAL, FeatureCache
from training.features.mfcc import pool
from training.features.standardisation import Standardisation
from training.storage.atomic_write import atomic_write
from training.storage.code_digest import code_digest
from training.storage.scheduling import Scheduler
from training.trainers import Trainer

CODE = (
    "training.jobs",
    "training.export.ood_distance",
    "training.features.standardisation",
    "training.trainers",
)
CLEAN = "clean"


@dataclass(frozen=True)
class Job:
    """One fit, and what it is measured on."""

    seed: int
    held_out: tuple[int, ...]  # utterances that take no part in the fit: it is measured on them
    permuted: bool = False  # fitted to labels that were permuted among the training utterances
    worsened: bool = False  # measured under every condition too


@dataclass(frozen=True)
class Outcome:
    """What the network of a job said of its n held-out utterances."""

    logits: Mapping[str, Float32]  # by condition, `CLEAN` among them: (n, L)
    distances: Float32  # (n,), from the training distribution
    losses: Float32  # (epochs,)


@dataclass(frozen=True)
class Bench:
    """All that the jobs of one network draw on."""

    trainer: Trainer
    examples: Examples
    features: FeatureCache
    conditions: Mapping[str, tuple[str, ...]]  # by name: the folder of each utterance's frames
    directory: Path  # where outcomes are kept

    @functools.cached_property
    def digest(self) -> str:
        """A short hash of everything that an outcome depends on besides its job."""
        identity = asdict(self.trainer.identity(self.examples))
        identity["settings"].pop("seed")  # a job has its own
        folders = {name: list(folders) for name, folders in self.conditions.items()}
        text = json.dumps([identity, folders, code_digest(CODE)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def path(self, job: Job) -> Path:
        """The file of the job's outcome."""
        text = f"{self.digest} {json.dumps(asdict(job), sort_keys=True)}"
        name = hashlib.sha256(text.encode()).hexdigest()[:24]
        return self.directory / f"{self.trainer.name}-{name}.npz"


def run_jobs(jobs: Sequence[Job], bench: Bench, scheduler: Scheduler) -> list[Outcome]:
    """The outcome of every job; those that were run before are read."""
    paths = {job: bench.path(job) for job in jobs}
    to_do = [(job, path) for job, path in paths.items() if not path.exists()]
    run = functools.partial(_run_and_keep, bench=bench)
    scheduler.run(run, to_do, f"{bench.trainer.name} fits", "fit")
    return [_read(paths[job]) for job in jobs]


def _run_and_keep(task: tuple[Job, Path], bench: Bench) -> None:
    job, path = task
    _write(run_job(job, bench), path)


def run_job(job: Job, bench: Bench) -> Outcome:
    """Fits without the held-out utterances, in any variant, and asks about them."""
    torch.set_num_threads(1)
    examples, held_out = bench.examples, np.array(job.held_out)
    training = examples.where(~np.isin(np.arange(len(examples.targets)), held_out))
    if job.permuted:
        targets = np.random.default_rng(job.seed).permutation(training.targets)
        training = replace(training, targets=targets)
    fitted = bench.trainer.fit(training, job.seed)
    clips = {name: _clips(bench, held_out, folders) for name, folders in _folders(job, bench)}
    distance = Distance.fit(training.vectors, Standardisation.fit(training.vectors))
    return Outcome(
        logits={name: fitted.logits(frames) for name, frames in clips.items()},
        distances=distance.of(np.stack([pool(frames) for frames in clips[CLEAN]])),
        losses=fitted.losses,
    )


def _folders(job: Job, bench: Bench) -> list[tuple[str, tuple[str, ...]]]:
    originals = (ORIGINAL.folder,) * len(bench.examples.targets)
    return [(CLEAN, originals), *(bench.conditions.items() if job.worsened else ())]


def _clips(bench: Bench, utterances: Integers, folders: tuple[str, ...]) -> list[Float32]:
    contents = bench.examples.contents
    return [bench.features.frames(str(contents[i]), folders[i]) for i in utterances]


def _write(outcome: Outcome, path: Path) -> None:
    arrays: dict[str, Any] = {f"logits {name}": rows for name, rows in outcome.logits.items()}
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez(file, distances=outcome.distances, losses=outcome.losses, **arrays)


def _read(path: Path) -> Outcome:
    with np.load(path) as arrays:
        logits = {
            key.removeprefix("logits "): arrays[key] for key in arrays if key.startswith("logits ")
        }
        return Outcome(logits, arrays["distances"], arrays["losses"])
