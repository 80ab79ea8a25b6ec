"""How a network is measured: on speakers it has not heard."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, recall_score
from tqdm import tqdm

from training.arrays import Float32, Integers
from training.distance import Distance
from training.examples import Examples
from training.fitting import fit
from training.settings import TrainingSettings

FOLDS = 5

Fold = tuple[str, ...]  # the speakers held out together


class ProtocolError(ValueError):
    """A corpus that cannot be split by speaker; the message says why."""


@dataclass(frozen=True)
class OutOfFold:
    """What networks said of utterances whose speakers they had not heard, N in all."""

    folds: tuple[Fold, ...]
    fold: Integers  # (N,), index of the fold in which the utterance was held out
    targets: Integers  # (N,)
    logits: Float32  # (N, L)
    distances: Float32  # (N,), from the training distribution of that fold


@dataclass(frozen=True)
class EmotionScore:
    """How one emotion fared; each between 0 and 1."""

    precision: float
    recall: float
    f1: float
    utterances: int


@dataclass(frozen=True)
class Metrics:
    """Speaker-independent figures, over the utterances of all folds together."""

    uar: float  # unweighted average recall: the mean of the emotions' recalls; chance is 1 / L
    accuracy: float
    fold_uar: tuple[float, ...]
    emotions: dict[str, EmotionScore]
    confusion: Integers  # (L, L), rows are true emotions, columns predicted ones


def speaker_folds(
    speakers: Sequence[str], sex: Callable[[str], str], count: int = FOLDS
) -> tuple[Fold, ...]:
    """Splits speakers into `count` folds, the sexes spread evenly; the same every time.

    Raises:
        ProtocolError: fewer speakers than folds.
    """
    distinct = sorted(set(speakers), key=lambda speaker: (sex(speaker), speaker))
    if len(distinct) < count:
        raise ProtocolError(
            f"{len(distinct)} speakers ({', '.join(distinct)}); expected at least {count}, "
            f"one for each of {count} speaker-independent folds"
        )
    return tuple(tuple(distinct[index::count]) for index in range(count))


def cross_validate(
    network: str, examples: Examples, folds: tuple[Fold, ...], settings: TrainingSettings
) -> OutOfFold:
    """Fits once for each fold, on the others' speakers, on all usable cores.

    Nothing of a held-out speaker, augmented or not, takes part in the fit that it measures.
    """
    parallel = joblib.Parallel(n_jobs=joblib.cpu_count(), return_as="generator")
    outcomes = parallel(
        joblib.delayed(_measure_fold)(network, examples, fold, settings) for fold in folds
    )
    progress = tqdm(outcomes, total=len(folds), desc=f"{network} folds", unit="fold", disable=None)
    return _gather(examples, folds, iter(progress))


def _measure_fold(
    network: str, examples: Examples, fold: Fold, settings: TrainingSettings
) -> tuple[Float32, Float32]:
    """Logits (n, L) and distances (n,) of the held-out speakers' recordings."""
    held_out = examples.of(fold)
    training = examples.where(~held_out)
    fitted = fit(network, training, settings)
    recordings = examples.recordings[held_out]
    distance = Distance.fit(training.vectors, fitted.standardisation)
    return fitted.logits(recordings), distance.of(recordings)


def _gather(
    examples: Examples,
    folds: tuple[Fold, ...],
    outcomes: Iterator[tuple[Float32, Float32]],
) -> OutOfFold:
    utterances = len(examples.targets)
    fold_index = np.zeros(utterances, np.int64)
    logits = np.zeros((utterances, len(examples.labels)), np.float32)
    distances = np.zeros(utterances, np.float32)
    for index, (fold, outcome) in enumerate(zip(folds, outcomes, strict=True)):
        held_out = examples.of(fold)
        fold_index[held_out] = index
        logits[held_out], distances[held_out] = outcome
    return OutOfFold(folds, fold_index, examples.targets, logits, distances)


def measure(result: OutOfFold, labels: tuple[str, ...]) -> Metrics:
    """Unweighted average recall and the rest, from out-of-fold logits."""
    targets, predictions = result.targets, result.logits.argmax(axis=1)
    columns = range(len(labels))
    scores = precision_recall_fscore_support(
        targets, predictions, labels=columns, zero_division=0.0
    )
    return Metrics(
        uar=_uar(targets, predictions),
        accuracy=float(np.mean(targets == predictions)),
        fold_uar=tuple(
            _uar(targets[result.fold == index], predictions[result.fold == index])
            for index in range(len(result.folds))
        ),
        emotions={
            label: EmotionScore(float(p), float(r), float(f), int(n))
            for label, p, r, f, n in zip(labels, *scores, strict=True)
        },
        confusion=confusion_matrix(targets, predictions, labels=columns),
    )


def _uar(targets: Integers, predictions: Any) -> float:
    return float(recall_score(targets, predictions, average="macro", labels=np.unique(targets)))
