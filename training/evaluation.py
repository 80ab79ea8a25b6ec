"""What a network's evaluation holds, and the figures that are read from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from training.arrays import Float32, Integers
from training.calibration import fit_temperature
from training.folds import Fold
from training.metrics import (
    EmotionScore,
    Interval,
    Reliability,
    confusion,
    emotion_scores,
    reliability,
    speaker_interval,
    unweighted_average_recall,
)


@dataclass(frozen=True)
class Score:
    """A figure over the seeds."""

    mean: float
    deviation: float  # the standard deviation of the sample; 0 for a single seed

    @classmethod
    def over(cls, values: npt.NDArray[np.float64]) -> "Score":
        """From one value of each seed, (S,)."""
        deviation = values.std(ddof=1) if len(values) > 1 else 0.0
        return cls(float(values.mean()), float(deviation))


@dataclass(frozen=True)
class Evaluation:
    """What networks said of N utterances whose speakers they had not heard.

    S seeds, K folds, L emotions. Every network was fitted without the speakers of one fold, and
    `logits` are what it said of them.
    """

    network: str
    input: Literal["vector", "frames"]
    labels: tuple[str, ...]  # L, in alphabetical order
    folds: tuple[Fold, ...]  # K
    seeds: tuple[int, ...]  # S
    targets: Integers  # (N,), columns of `labels`
    speakers: npt.NDArray[np.str_]  # (N,)
    fold: Integers  # (N,), index of the fold in which the utterance was held out
    logits: Float32  # (S, N, L), before any temperature
    distances: Float32  # (N,), from the training distribution of that fold
    temperatures: npt.NDArray[np.float64]  # (S, K), each fitted within that fold's training part
    robustness: Mapping[str, Float32]  # by condition: (S, N, L), of the same clips made worse
    history: Mapping[str, Float32]  # by name of the curve, "loss" at least: (S, K, epochs)
    permuted_uar: float | None  # after training on permuted labels; chance where nothing leaks
    random_split_uar: float | None  # inflated: the speakers of test clips were trained on

    @property
    def predictions(self) -> Integers:
        """Columns of `labels`, (S, N)."""
        predictions: Integers = self.logits.argmax(axis=2)
        return predictions

    def probabilities(self) -> Float32:
        """(S, N, L), after the temperature of each utterance's fold."""
        temperatures = self.temperatures[:, self.fold, np.newaxis]
        probabilities: Float32 = softmax(self.logits / temperatures, axis=2).astype(np.float32)
        return probabilities

    def temperature(self) -> float:
        """The one to serve with: from all out-of-fold logits of all seeds."""
        logits = self.logits.reshape(-1, len(self.labels))
        return fit_temperature(logits, np.tile(self.targets, len(self.seeds)))

    def uar(self, condition: str | None = None) -> Score:
        """Unweighted average recall, of the clips as they are or under a condition."""
        logits = self.logits if condition is None else self.robustness[condition]
        predictions = logits.argmax(axis=2)
        values = [unweighted_average_recall(self.targets, row) for row in predictions]
        return Score.over(np.array(values))

    def accuracy(self) -> Score:
        """The share of utterances that were told rightly."""
        return Score.over((self.predictions == self.targets).mean(axis=1))

    def macro_f1(self) -> Score:
        """The mean of the emotions' F1."""
        tables = (confusion(self.targets, row, len(self.labels)) for row in self.predictions)
        means = [np.mean([score.f1 for score in emotion_scores(table)]) for table in tables]
        return Score.over(np.array(means))

    def interval(self) -> Interval:
        """The 95 % interval of the recall, bootstrapped over speakers."""
        return speaker_interval(self.targets, self.predictions, self.speakers)

    def ece(self) -> Score:
        """Expected calibration error after the inner temperatures."""
        tables = [reliability(rows, self.targets) for rows in self.probabilities()]
        return Score.over(np.array([table.expected_error for table in tables]))

    def reliability(self) -> Reliability:
        """Confidence against accuracy, the answers of all seeds together."""
        probabilities = self.probabilities()
        answers = probabilities.reshape(-1, len(self.labels))
        return reliability(answers, np.tile(self.targets, len(self.seeds)))

    def confusion(self) -> npt.NDArray[np.float64]:
        """Utterances (L, L), a row for each true emotion: the mean of the seeds."""
        tables = [confusion(self.targets, row, len(self.labels)) for row in self.predictions]
        mean: npt.NDArray[np.float64] = np.mean(tables, axis=0)
        return mean

    def emotions(self) -> dict[str, EmotionScore]:
        """How each emotion fared, over all seeds."""
        return dict(zip(self.labels, emotion_scores(self.confusion()), strict=True))

    def fold_uar(self) -> tuple[float, ...]:
        """The recall of each fold, K of them: the mean of the seeds."""
        return tuple(self._uar_of(self.fold == index) for index in range(len(self.folds)))

    def speaker_uar(self) -> dict[str, float]:
        """The recall of each speaker: the mean of the seeds."""
        voices = np.unique(self.speakers).tolist()
        return {voice: self._uar_of(self.speakers == voice) for voice in voices}

    def _uar_of(self, mask: npt.NDArray[np.bool_]) -> float:
        rows = self.predictions[:, mask]
        return float(np.mean([unweighted_average_recall(self.targets[mask], row) for row in rows]))
