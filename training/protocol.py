"""How a network is measured: on speakers it has not heard, with several seeds.

The temperature of a fold comes from inside its training part: a network that was fitted without
this fold and its partner says how sure one may be of the partner's speakers. One such network
serves both folds of a pair.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Integers
from training.calibration import fit_temperature
from training.corruptions import CONDITIONS, BabbleSpeakers, Corruption
from training.evaluation import Evaluation
from training.examples import Examples
from training.features.cache import FeatureCache
from training.features.extraction import ExtractionTask, extract
from training.folds import Fold
from training.jobs import CLEAN, Bench, Job, Outcome, run_jobs
from training.metrics import unweighted_average_recall
from training.plan import Part, Plan
from training.storage.scheduling import Scheduler

Outcomes = Mapping[Job, Outcome]
Number = TypeVar("Number", bound=np.generic)


def worsened_features(
    paths: Sequence[Path],
    examples: Examples,
    folds: Sequence[Fold],
    cache: FeatureCache,
    scheduler: Scheduler,
) -> dict[str, tuple[str, ...]]:
    """Brings the cache up to date for every condition.

    The babble behind an utterance is of speakers of other folds alone.

    Returns:
        By the name of the condition, the folder of each utterance's frames in the cache.
    """
    contents = examples.contents.tolist()
    changes: dict[int, tuple[Corruption, ...]] = {}
    for fold in folds:
        held_out = examples.of(fold)
        others = np.flatnonzero(~held_out).tolist()
        talkers = BabbleSpeakers({contents[i]: paths[i] for i in others})
        changes |= {i: talkers.conditions(contents[i]) for i in np.flatnonzero(held_out).tolist()}
    wanted = [ExtractionTask(path, contents[i], changes[i]) for i, path in enumerate(paths)]
    extract(wanted, cache, scheduler, "conditions")
    return {
        name: tuple(item.changes[index].folder for item in wanted)
        for index, name in enumerate(CONDITIONS)
    }


def evaluate(
    bench: Bench,
    folds: tuple[Fold, ...],
    seeds: Sequence[int],
    scheduler: Scheduler,
    *,
    controls: bool,
) -> Evaluation:
    """Fits K times for each seed, and what temperatures and controls take beside it.

    Nothing of a held-out speaker, augmented or not, takes part in the fit that it measures.

    Args:
        bench: the network, and what it is fitted to and measured on.
        folds: the speakers that are held out together; at least 3 folds.
        seeds: those of the fits; the controls take the first.
        scheduler: where the fits run.
        controls: whether to measure on permuted labels and on a random split too.
    """
    plan = Plan.of(
        bench.examples,
        folds,
        tuple(seeds),
        controls=controls,
        all_pairs=bench.trainer.input == "vector",  # whose fits take seconds
    )
    jobs = plan.jobs()
    outcomes = dict(zip(jobs, run_jobs(jobs, bench, scheduler), strict=True))
    outer = [[outcomes[job] for job in plan.outer(seed)] for seed in seeds]
    targets = bench.examples.targets
    return Evaluation(
        network=bench.trainer.name,
        input=bench.trainer.input,
        labels=bench.examples.labels,
        folds=folds,
        seeds=plan.seeds,
        targets=targets,
        speakers=bench.examples.speakers,
        fold=_in_order([np.full(len(part), k) for k, part in enumerate(plan.parts)], plan.parts),
        logits=_logits(CLEAN, outer, plan.parts),
        distances=_in_order([outcome.distances for outcome in outer[0]], plan.parts),
        temperatures=_temperatures(plan, outcomes, targets),
        robustness={name: _logits(name, outer, plan.parts) for name in bench.conditions},
        history={"loss": np.array([[outcome.losses for outcome in row] for row in outer])},
        permuted_uar=_recall(plan.permuted(), outcomes, targets),
        random_split_uar=_recall(plan.random_split(), outcomes, targets),
    )


def _logits(condition: str, outer: list[list[Outcome]], parts: Sequence[Part]) -> Float32:
    """Of every seed: (S, N, L)."""
    rows = ([outcome.logits[condition] for outcome in row] for row in outer)
    return np.stack([_in_order(row, parts) for row in rows])


def _in_order(rows: Sequence[npt.NDArray[Number]], parts: Sequence[Part]) -> npt.NDArray[Number]:
    """What stands by part, (n, ...) each, in the order of the utterances, (N, ...)."""
    return np.concatenate(rows)[np.argsort(np.concatenate(parts))]


def _temperatures(plan: Plan, outcomes: Outcomes, targets: Integers) -> npt.NDArray[np.float64]:
    """(S, K): fitted to speakers of other folds, once for all seeds."""
    folds = range(len(plan.parts))
    row = [_temperature(plan, fold, outcomes, targets) for fold in folds]
    return np.tile(row, (len(plan.seeds), 1))


def _temperature(plan: Plan, fold: int, outcomes: Outcomes, targets: Integers) -> float:
    rows, true = [], []
    for partner, job in plan.partners(fold).items():
        of_partner = np.isin(job.held_out, plan.parts[partner])
        rows.append(outcomes[job].logits[CLEAN][of_partner])
        true.append(targets[np.array(job.held_out)[of_partner]])
    return fit_temperature(np.concatenate(rows), np.concatenate(true))


def _recall(jobs: Sequence[Job], outcomes: Outcomes, targets: Integers) -> float | None:
    """Over the held-out utterances of all jobs together."""
    if not jobs:
        return None
    held_out = np.concatenate([job.held_out for job in jobs])
    logits = np.concatenate([outcomes[job].logits[CLEAN] for job in jobs])
    return unweighted_average_recall(targets[held_out], logits.argmax(axis=1))
