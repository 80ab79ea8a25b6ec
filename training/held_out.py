"""Recall on the clips that a corpus of one's own sets aside: `split` is `test`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Integers
from training.cross_validation import CLEAN, Experiment, Job, run_jobs
from training.evaluation import Score
from training.examples import Examples
from training.metrics import unweighted_average_recall
from training.storage.scheduling import Scheduler


@dataclass(frozen=True)
class HeldOut:
    """What one network reaches on clips that no network is fitted to."""

    network: str
    clips: int
    speakers: int
    known_speakers: int  # that other clips of the corpora are of
    emotions: int  # that occur among the clips
    seeds: int
    uar: Score  # unweighted average recall, over the seeds
    accuracy: Score


def measure_held_out(
    experiment: Experiment,
    held_out: npt.NDArray[np.bool_],
    seeds: Sequence[int],
    scheduler: Scheduler,
) -> HeldOut:
    """Fits to all other clips with each seed, and predicts these.

    Args:
        experiment: a network, and the examples of all N clips.
        held_out: (N,), whether a clip is set aside.
        seeds: one fit for each.
        scheduler: where the fits run.
    """
    examples, name = experiment.examples, experiment.trainer.name
    rows = tuple(np.flatnonzero(held_out).tolist())
    work = [(experiment, Job(seed, rows)) for seed in seeds]
    outcomes = run_jobs(work, scheduler, f"{name} on split test")
    tests = examples.where(held_out)
    predictions = [_predictions(outcome.logits[CLEAN], tests) for outcome in outcomes]
    speakers, known = set(tests.speakers), set(examples.speakers[~held_out])
    return HeldOut(
        network=name,
        clips=len(rows),
        speakers=len(speakers),
        known_speakers=len(speakers & known),
        emotions=len(set(tests.targets.tolist())),
        seeds=len(seeds),
        uar=Score.over(
            np.array([unweighted_average_recall(tests.targets, row) for row in predictions])
        ),
        accuracy=Score.over(np.array([(row == tests.targets).mean() for row in predictions])),
    )


def _predictions(logits: Float32, tests: Examples) -> Integers:
    """The most probable of the emotions that the corpus of a clip has, (n,)."""
    predictions: Integers = np.where(tests.possible, logits, -np.inf).argmax(axis=1)
    return predictions


def held_out_text(found: HeldOut) -> str:
    """Format the result of one network."""
    known = f" ({found.known_speakers} known from training)" if found.known_speakers else ""
    speakers = f"speakers: {found.speakers}{known}"
    return "\n".join(
        [
            "",
            f"{found.network}, split test, clips: {found.clips}, {speakers}, seeds: {found.seeds}",
            _row("unweighted average recall", found.uar) + f"   (chance {1 / found.emotions:.3f})",
            _row("accuracy", found.accuracy),
        ]
    )


def _row(name: str, score: Score) -> str:
    return f"  {name:<28} {score.mean:.3f} +- {score.deviation:.3f}"
