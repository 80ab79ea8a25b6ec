"""Every system measured on the same parts, and the best model of a recipe chosen within them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.arrays import Float32, Integers
from training.comparison.fits import Outcome, Task, run_fits
from training.comparison.splits import Part
from training.comparison.systems import System
from training.metrics import unweighted_average_recall
from training.storage.scheduling import Scheduler


@dataclass(frozen=True)
class Measurement:
    """What a system said of N utterances, each while it was held out."""

    system: str
    protocol: str
    parts: tuple[Part, ...]  # K
    probabilities: Float32  # (N, L), in the order of the utterances
    seconds: tuple[float, ...]  # of each fit, K; computing on one thread
    losses: tuple[Float32, ...]  # of each fit, K: (epochs,)
    chosen: tuple[str, ...] | None = None  # of several models, which one each fold chose


@dataclass(frozen=True)
class Yard:
    """What all systems are measured with."""

    targets: Integers  # (N,)
    directory: Path  # where outcomes are kept
    scheduler: Scheduler

    def measure(
        self, systems: Sequence[System], protocol: str, parts: tuple[Part, ...], seed: int
    ) -> list[Measurement]:
        """Of all models of one recipe, and last of the choice among them where there are several.

        The choice for a fold is made among models that were fitted without this fold and without
        the fold that they are judged on: each such fit serves both folds of the pair.
        """
        several = len(systems) > 1
        pairs = list(itertools.combinations(range(len(parts)), 2)) if several else []
        held_out = [*parts, *(tuple(sorted(parts[a] + parts[b])) for a, b in pairs)]
        tasks = [
            Task(system.learner, len(self.targets), part, seed)
            for system in systems
            for part in held_out
        ]
        outcomes = run_fits(tasks, self.directory, self.scheduler, systems[0].recipe)
        rows = [outcomes[i : i + len(held_out)] for i in range(0, len(outcomes), len(held_out))]
        outer = [list(row[: len(parts)]) for row in rows]
        measured = [
            _measurement(system.name, protocol, parts, row)
            for system, row in zip(systems, outer, strict=True)
        ]
        if not several:
            return measured
        inner = [dict(zip(pairs, row[len(parts) :], strict=True)) for row in rows]
        choice = [self._choose(inner, parts, fold) for fold in range(len(parts))]
        chosen = _measurement(
            systems[0].recipe, protocol, parts, [outer[c][k] for k, c in enumerate(choice)]
        )
        names = tuple(systems[index].model.name for index in choice)
        return [*measured, replace(chosen, chosen=names)]

    def _choose(
        self, inner: Sequence[dict[tuple[int, int], Outcome]], parts: tuple[Part, ...], fold: int
    ) -> int:
        """The model with the highest mean recall on the other folds; the first of equals."""
        recalls = [
            np.mean([self._recall(o, parts, p, fold) for p, o in row.items() if fold in p])
            for row in inner
        ]
        return int(np.argmax(recalls))

    def _recall(
        self, outcome: Outcome, parts: tuple[Part, ...], pair: tuple[int, int], fold: int
    ) -> float:
        """On the other fold of the pair."""
        held_out = np.array(sorted(parts[pair[0]] + parts[pair[1]]))
        judged = np.isin(held_out, parts[sum(pair) - fold])
        answers = outcome.probabilities[judged].argmax(axis=1)
        return unweighted_average_recall(self.targets[held_out[judged]], answers)


def _measurement(
    name: str, protocol: str, parts: tuple[Part, ...], outcomes: Sequence[Outcome]
) -> Measurement:
    rows = np.concatenate([outcome.probabilities for outcome in outcomes])
    return Measurement(
        system=name,
        protocol=protocol,
        parts=parts,
        probabilities=rows[np.argsort(np.concatenate(parts))],
        seconds=tuple(outcome.seconds for outcome in outcomes),
        losses=tuple(outcome.losses for outcome in outcomes),
    )
