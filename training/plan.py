"""The jobs that an evaluation takes."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.arrays import Integers
from training.examples import Examples
from training.folds import Fold
from training.jobs import Job

Part = tuple[int, ...]  # utterances, by index
Pair = tuple[int, int]  # folds, by index


@dataclass(frozen=True)
class Plan:
    """N utterances in K parts, S seeds, and the jobs that follow."""

    parts: tuple[Part, ...]  # K
    pairs: tuple[Pair, ...]  # of folds that a network for temperatures is fitted without
    seeds: tuple[int, ...]  # S
    controls: bool  # whether to fit to permuted labels and on a random split too

    @classmethod
    def of(
        cls,
        examples: Examples,
        folds: Sequence[Fold],
        seeds: tuple[int, ...],
        *,
        controls: bool,
        all_pairs: bool,
    ) -> "Plan":
        """From the speakers of each fold; with all pairs, temperatures are surer and dearer."""
        parts = tuple(_part(np.flatnonzero(examples.of(fold))) for fold in folds)
        pairs = (
            itertools.combinations(range(len(parts)), 2) if all_pairs else _neighbours(len(parts))
        )
        return cls(parts, tuple(pairs), seeds, controls)

    def outer(self, seed: int) -> list[Job]:
        """A job for each fold."""
        return [Job(seed, part, worsened=True) for part in self.parts]

    def inner(self, pair: Pair) -> Job:
        """Fitted without these two folds, with the first seed: it serves all seeds."""
        one, other = pair
        return Job(self.seeds[0], tuple(sorted(self.parts[one] + self.parts[other])))

    def partners(self, fold: int) -> dict[int, Job]:
        """The folds on which its temperature is fitted, and the job that knows neither of both."""
        pairs = [pair for pair in self.pairs if fold in pair]
        return {sum(pair) - fold: self.inner(pair) for pair in pairs}

    def permuted(self) -> list[Job]:
        """A job with labels that mean nothing, for the first fold; none without controls."""
        return [Job(self.seeds[0], self.parts[0], permuted=True)] if self.controls else []

    def random_split(self) -> list[Job]:
        """A job for one part of a split that knows nothing of speakers; none without controls."""
        utterances = sum(map(len, self.parts))
        shuffled = np.random.default_rng(0).permutation(utterances)
        part = _part(shuffled[: utterances // len(self.parts)])
        return [Job(self.seeds[0], part)] if self.controls else []

    def jobs(self) -> list[Job]:
        """All of them, each once."""
        jobs = [job for seed in self.seeds for job in self.outer(seed)]
        jobs += [self.inner(pair) for pair in self.pairs]
        return list(dict.fromkeys([*jobs, *self.permuted(), *self.random_split()]))


def _neighbours(folds: int) -> list[Pair]:
    """Each fold in one pair; of an odd number, the last goes with the first."""
    return [(fold, (fold + 1) % folds) for fold in range(0, folds, 2)]


def _part(utterances: Integers) -> Part:
    return tuple(sorted(utterances.tolist()))
