"""Cross-validation: the held-out utterances, the fits, and the stored outcomes.

An outcome is kept under a hash of everything that it depends on: model, hyperparameters, examples,
code, seed and held-out utterances. No fit is made twice, and an interrupted run continues.
"""

import functools
import hashlib
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import KFold

from training.arrays import Float32, Integers
from training.examples import Examples
from training.export.ood_distance import Distance
from training.features.cache import ORIGINAL
from training.features.standardisation import Standardisation
from training.folds import Fold
from training.storage.atomic_write import atomic_write
from training.storage.code_digest import code_digest
from training.storage.scheduling import Scheduler
from training.systems.base.system import RANDOM, SPEAKER_SEPARATED, Fitted, Split
from training.systems.base.trainer import Trainer
from training.voice.summary import mfcc_vectors, mfccs_of

CODE = (
    "training.cross_validation",
    "training.export.ood_distance",
    "training.features.standardisation",
)
CLEAN = "clean"

Part = tuple[int, ...]  # utterances, by index
Pair = tuple[int, int]  # folds, by index


@dataclass(frozen=True)
class Job:
    """One fit, and the utterances that it is measured on."""

    seed: int
    held_out: Part  # utterances that take no part in the fit: it is measured on them
    permuted: bool = False  # fitted to labels that were permuted among the training utterances
    complete: bool = False  # also measured under every corruption, and for foreign inputs


@dataclass(frozen=True)
class Outcome:
    """The predictions of a job's model for its n held-out utterances."""

    # By condition, `CLEAN` among them: (n, L); not a number where the condition was not measured.
    logits: Mapping[str, Float32]
    distances: Float32  # (n,), from the training distribution; empty unless the job is complete
    losses: Float32  # (epochs,)
    seconds: float  # of computing on one thread, for the fit


@dataclass(frozen=True)
class Experiment:
    """A model, its examples, and the folder of its outcomes."""

    trainer: Trainer
    examples: Examples
    directory: Path
    # By name: the folder of each utterance's frames, empty where it is not measured.
    conditions: Mapping[str, tuple[str, ...]]

    @functools.cached_property
    def digest(self) -> str:
        """A hash of everything that an outcome depends on besides its job."""
        identity = asdict(self.trainer.identity(self.examples))
        identity["settings"].pop("seed")  # a job has its own
        folders = {name: list(folders) for name, folders in self.conditions.items()}
        text = json.dumps([identity, folders, code_digest(CODE)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def path(self, job: Job) -> Path:
        """The file of the job's outcome."""
        text = f"{self.digest} {json.dumps(asdict(job), sort_keys=True)}"
        name = hashlib.sha256(text.encode()).hexdigest()[:24]
        return self.directory / f"{self.trainer.name.replace('/', '-')}-{name}.npz"

    def run(self, job: Job) -> Outcome:
        """Fits without the held-out utterances, in any variant, and predicts them."""
        torch.set_num_threads(1)
        held_out = np.array(job.held_out)
        training = self._training(job)
        start = time.process_time()
        fitted = self.trainer.fit(training, job.seed)
        seconds = time.process_time() - start
        clips = self._clips(held_out, (ORIGINAL.folder,) * len(self.examples.targets))
        return Outcome(
            logits={CLEAN: fitted.logits(clips)}
            | {name: self._logits(fitted, held_out, rows) for name, rows in self._folders(job)},
            distances=_distances(training, clips) if job.complete else _NONE,
            losses=fitted.losses,
            seconds=seconds,
        )

    def _training(self, job: Job) -> Examples:
        mask = ~np.isin(np.arange(len(self.examples.targets)), job.held_out)
        training = self.examples.where(mask)
        if not job.permuted:
            return training
        targets = np.random.default_rng(job.seed).permutation(training.targets)
        return replace(training, targets=targets)

    def _folders(self, job: Job) -> list[tuple[str, tuple[str, ...]]]:
        """Of a complete job: every condition, and every other form of request."""
        if not job.complete:
            return []
        count = len(self.examples.targets)
        forms = [(name, (name,) * count) for name in self.trainer.model.forms]
        return [*self.conditions.items(), *forms]

    def _logits(self, fitted: Fitted, utterances: Integers, folders: tuple[str, ...]) -> Float32:
        """(n, L); not a number where the utterance has no folder."""
        logits = np.full((len(utterances), len(self.examples.labels)), np.nan, np.float32)
        measured = np.array([bool(folders[row]) for row in utterances])
        if measured.any():
            logits[measured] = fitted.logits(self._clips(utterances[measured], folders))
        return logits

    def _clips(self, utterances: Integers, folders: tuple[str, ...]) -> list[Float32]:
        clips = (self.trainer.clips(self.examples, [row], folders[row]) for row in utterances)
        return list(itertools.chain.from_iterable(clips))


_NONE = np.zeros(0, np.float32)


def _distances(training: Examples, clips: Sequence[Float32]) -> Float32:
    vectors = mfcc_vectors(training.features)
    distance = Distance.fit(vectors, Standardisation.fit(vectors))
    return distance.of(np.stack([mfccs_of(clip) for clip in clips]))


def run_jobs(
    work: Sequence[tuple[Experiment, Job]], scheduler: Scheduler, name: str
) -> list[Outcome]:
    """The outcome of every job; outcomes of earlier runs are read.

    Args:
        work: jobs with their experiments.
        scheduler: where the fits run.
        name: the label of the progress bar.
    """
    paths = [experiment.path(job) for experiment, job in work]
    lacking = {path: item for path, item in zip(paths, work, strict=True) if not path.exists()}
    tasks = [(*item, path) for path, item in lacking.items()]
    scheduler.run(_run_and_keep, tasks, f"{name} fits", "fit")
    read = functools.cache(_read)
    return [read(path) for path in paths]


def _run_and_keep(task: tuple[Experiment, Job, Path]) -> None:
    experiment, job, path = task
    outcome = experiment.run(job)
    arrays: dict[str, Any] = {f"logits {name}": rows for name, rows in outcome.logits.items()}
    with atomic_write(path) as part, part.open("wb") as file:
        np.savez(
            file,
            distances=outcome.distances,
            losses=outcome.losses,
            seconds=outcome.seconds,
            **arrays,
        )


def _read(path: Path) -> Outcome:
    with np.load(path) as arrays:
        logits = {
            key.removeprefix("logits "): arrays[key] for key in arrays if key.startswith("logits ")
        }
        seconds = float(arrays["seconds"])
        return Outcome(logits, arrays["distances"], arrays["losses"], seconds)


def parts_of(examples: Examples, folds: Sequence[Fold]) -> tuple[Part, ...]:
    """The utterances of the speakers of each fold."""
    return tuple(_part(np.flatnonzero(examples.of(fold))) for fold in folds)


def comparison_parts(examples: Examples, folds: Sequence[Fold]) -> dict[Split, tuple[Part, ...]]:
    """By split: the parts by speaker, and as many random parts."""
    shuffled = KFold(len(folds), shuffle=True, random_state=0).split(examples.targets)
    at_random = tuple(_part(held_out) for _, held_out in shuffled)
    return {SPEAKER_SEPARATED: parts_of(examples, folds), RANDOM: at_random}


def _part(utterances: Integers) -> Part:
    return tuple(sorted(utterances.tolist()))


def all_pairs(folds: int) -> list[Pair]:
    """Each fold with each other fold."""
    return list(itertools.combinations(range(folds), 2))


def neighbours(folds: int) -> list[Pair]:
    """Each fold in one pair; if their number is odd, the last is paired with the first."""
    return [(fold, (fold + 1) % folds) for fold in range(0, folds, 2)]


@dataclass(frozen=True)
class Plan:
    """N utterances in K parts, S seeds, and the jobs that follow.

    An inner job holds out the two folds of a pair. It serves both: to calibrate the one, or to
    choose a model for it, on the utterances of the other.
    """

    parts: tuple[Part, ...]  # K
    pairs: tuple[Pair, ...]  # of folds that inner jobs hold out
    seeds: tuple[int, ...]  # S
    controls: bool = False  # whether to fit to permuted labels and on a random split too
    complete: bool = True  # whether outer jobs are measured under every corruption too

    def outer(self, seed: int) -> list[Job]:
        """A job for each fold."""
        return [Job(seed, part, complete=self.complete) for part in self.parts]

    def inner(self, pair: Pair) -> Job:
        """Fitted without these two folds, with the first seed: it serves all seeds."""
        one, other = pair
        return Job(self.seeds[0], tuple(sorted(self.parts[one] + self.parts[other])))

    def partners(self, fold: int) -> dict[int, Job]:
        """The folds that it is paired with, and the job that holds out both."""
        pairs = [pair for pair in self.pairs if fold in pair]
        return {sum(pair) - fold: self.inner(pair) for pair in pairs}

    def permuted(self) -> list[Job]:
        """A job with permuted labels, for the first fold; none without controls."""
        return [Job(self.seeds[0], self.parts[0], permuted=True)] if self.controls else []

    def random_split(self) -> list[Job]:
        """A job for one part of a split that ignores speakers; none without controls."""
        utterances = sum(map(len, self.parts))
        shuffled = np.random.default_rng(0).permutation(utterances)
        part = _part(shuffled[: utterances // len(self.parts)])
        return [Job(self.seeds[0], part)] if self.controls else []

    def jobs(self) -> list[Job]:
        """All of them, each once."""
        jobs = [job for seed in self.seeds for job in self.outer(seed)]
        jobs += [self.inner(pair) for pair in self.pairs]
        return list(dict.fromkeys([*jobs, *self.permuted(), *self.random_split()]))

    def held_out_of(self, partner: int, job: Job, outcome: Outcome) -> tuple[Float32, Integers]:
        """The predictions of an inner job for a fold of its pair: logits (n, L), rows (n,)."""
        utterances = np.array(job.held_out)
        of_partner = np.isin(utterances, self.parts[partner])
        return outcome.logits[CLEAN][of_partner], utterances[of_partner]
