"""Figures of a measurement: of each fold, over the folds, and of each emotion."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from training.arrays import Integers
from training.evaluation import Measurement, Score
from training.metrics import EmotionScore, confusion, emotion_scores

FIGURES = ("f1", "precision", "recall", "uar", "accuracy")


@dataclass(frozen=True)
class Scores:
    """Of one system on one protocol; L emotions, K folds."""

    measurement: Measurement
    targets: Integers  # (N,)
    labels: tuple[str, ...]

    @property
    def predictions(self) -> Integers:
        """(N,), columns of the labels."""
        predictions: Integers = self.measurement.probabilities.argmax(axis=1)
        return predictions

    def folds(self) -> list[dict[str, float]]:
        """The figures of each fold.

        F1, precision and recall are the means of the emotions, weighted by their clips, so that
        recall is accuracy; UAR counts every emotion that occurs in the fold alike.
        """
        return [self._figures(np.array(part)) for part in self.measurement.parts]

    def _figures(self, rows: Integers) -> dict[str, float]:
        true, predicted = self.targets[rows], self.predictions[rows]
        occurring = np.unique(true)
        by_emotion = precision_recall_fscore_support(
            true, predicted, labels=occurring, zero_division=0.0
        )
        precision, recall, f1, clips = (np.asarray(row, np.float64) for row in by_emotion)
        return {
            "f1": float(np.average(f1, weights=clips)),
            "precision": float(np.average(precision, weights=clips)),
            "recall": float(np.average(recall, weights=clips)),
            "uar": float(recall.mean()),
            "accuracy": float((true == predicted).mean()),
        }

    def over_folds(self) -> dict[str, Score]:
        """Mean and standard deviation of each figure."""
        folds = self.folds()
        return {name: Score.over(np.array([fold[name] for fold in folds])) for name in FIGURES}

    def pooled(self) -> dict[str, float]:
        """The figures over all clips together."""
        return self._figures(np.arange(len(self.targets)))

    def confusion(self) -> Integers:
        """Clips (L, L), a row for each true emotion: all folds together."""
        return confusion(self.targets, self.predictions, len(self.labels))

    def emotions(self) -> dict[str, EmotionScore]:
        """How each emotion fared: all folds together."""
        return dict(zip(self.labels, emotion_scores(self.confusion()), strict=True))
