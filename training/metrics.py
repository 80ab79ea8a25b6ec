"""Figures of merit on plain arrays: recall, its uncertainty, and calibration."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix

from training.arrays import Float32, Float64, Integers

CALIBRATION_BINS = 15
BOOTSTRAP_DRAWS = 10_000


@dataclass(frozen=True)
class EmotionScore:
    """The scores of one emotion, each between 0 and 1."""

    precision: float
    recall: float
    f1: float
    utterances: int


@dataclass(frozen=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """Bins of equal width over the confidence, the highest probability of a prediction."""

    confidence: Float64  # (bins,), mean confidence; 0 where the bin is empty
    accuracy: Float64  # (bins,), share of correct predictions; 0 where the bin is empty
    share: Float64  # (bins,), of all predictions; sums to 1

    @property
    def expected_error(self) -> float:
        """Expected calibration error (Naeini et al. 2015; Guo et al. 2017, arXiv:1706.04599)."""
        return float(np.sum(self.share * np.abs(self.accuracy - self.confidence)))


def confusion(targets: Integers, predictions: Integers, labels: int) -> Integers:
    """Counts (L, L): a row for each true emotion, a column for each predicted one."""
    counts: Integers = confusion_matrix(targets, predictions, labels=range(labels))
    return counts


def unweighted_average_recall(
    targets: Integers | npt.NDArray[np.str_], predictions: Integers | npt.NDArray[np.str_]
) -> float:
    """The mean of the recalls of the emotions that occur, columns or names; chance is 1 / L."""
    hits = targets == predictions
    return float(np.mean([hits[targets == target].mean() for target in np.unique(targets)]))


def emotion_scores(counts: npt.NDArray[np.floating | np.integer]) -> list[EmotionScore]:
    """Precision, recall and F1 of each emotion, from a confusion matrix (L, L) of any counts."""
    hits, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    precision, recall = _ratio(hits, predicted), _ratio(hits, true)
    f1 = _ratio(2 * hits, true + predicted)
    return [
        EmotionScore(float(p), float(r), float(f), round(float(n)))
        for p, r, f, n in zip(precision, recall, f1, true, strict=True)
    ]


def _ratio(above: npt.NDArray[np.generic], below: npt.NDArray[np.generic]) -> Float64:
    """The quotient; 0 where the divisor is 0."""
    quotient: Float64 = np.asarray(above, np.float64) / np.maximum(np.asarray(below), 1e-12)
    return np.where(np.asarray(below) > 0, quotient, 0.0)


def speaker_interval(
    targets: Integers,
    predictions: Integers,
    speakers: npt.NDArray[np.str_],
    corpora: npt.NDArray[np.str_] | None = None,
) -> Interval:
    """The 95 % interval of the unweighted average recall over random samples of speakers.

    A percentile bootstrap (Efron 1979) that draws whole speakers, since predictions for
    one voice tend to be right or wrong together.

    Args:
        targets: (N,), columns of the labels.
        predictions: (S, N), of S seeds; the recall is the mean of theirs.
        speakers: (N,).
        corpora: (N,); the recall is the mean of those of the corpora. Default: one corpus.
    """
    corpora = np.zeros(len(targets), np.str_) if corpora is None else corpora
    random = np.random.default_rng(0)
    masks = [corpora == name for name in np.unique(corpora)]
    drawn = [_drawn(targets[m], predictions[:, m], speakers[m], random) for m in masks]
    low, high = np.quantile(np.mean(drawn, axis=0), (0.025, 0.975))
    return Interval(float(low), float(high))


def _drawn(
    targets: Integers,
    predictions: Integers,
    speakers: npt.NDArray[np.str_],
    random: np.random.Generator,
) -> Float64:
    """The recalls of random samples of the speakers of one corpus, (BOOTSTRAP_DRAWS,)."""
    voices, voice = np.unique(speakers, return_inverse=True)
    emotions = np.unique(targets)
    totals, hits = np.zeros((2, len(voices), len(emotions)))
    np.add.at(totals, (voice, np.searchsorted(emotions, targets)), 1)
    right = (predictions == targets).mean(axis=0)
    np.add.at(hits, (voice, np.searchsorted(emotions, targets)), right)
    times = random.multinomial(len(voices), np.full(len(voices), 1 / len(voices)), BOOTSTRAP_DRAWS)
    drawn = times @ totals
    recalls = np.divide(times @ hits, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0)
    means: Float64 = np.nanmean(recalls, axis=1)
    return means


def reliability(
    probabilities: Float32, targets: Integers, bins: int = CALIBRATION_BINS
) -> Reliability:
    """Accuracy against confidence, from probabilities (N, L) and targets (N,)."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == targets
    bin_index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    counts = np.bincount(bin_index, minlength=bins)
    return Reliability(
        confidence=_ratio(np.bincount(bin_index, confidence, bins), counts),
        accuracy=_ratio(np.bincount(bin_index, right, bins), counts),
        share=counts / len(targets),
    )
