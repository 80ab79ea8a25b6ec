"""Temperatures from answers to clips of several corpora, each of which weighs the same."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from training.arrays import Float32, Float64
from training.calibration import Temperature
from training.evaluation import Mask
from training.protocols.answers import LEFT_OUT, Answers

TINIEST = 1e-300
# Differences wider than the rounding of a mean over thousands of clips.
PRECISION = {"eps": 1e-4, "ftol": 1e-7}
BOUNDS = ((-3.0, 3.0), (0.0, 2.0))  # of the logarithm at the distance 1, and of the exponent


@dataclass(frozen=True)
class Answered:
    """Answers of S fits to N clips."""

    logits: Float32  # (S, N, L)
    distances: Float32  # (N,), from the training distribution of the fit
    answers: Answers
    corpora: npt.NDArray[np.str_]  # (N,)

    def where(self, mask: Mask) -> "Answered":
        """To the clips that a mask (N,) marks."""
        answers = self.answers.where(mask)
        return Answered(self.logits[:, mask], self.distances[mask], answers, self.corpora[mask])

    def log_loss(self, temperature: Temperature) -> float:
        """The mean of the corpora."""
        hit, every = self._shares(temperature)
        return float(np.mean(np.log(every / np.maximum(hit, TINIEST)) @ _even(self.corpora)))

    def _shares(self, temperature: Temperature) -> tuple[Float64, Float64]:
        """Those of the right emotion, and of all that count, (S, N)."""
        shares = np.exp(self._counted / temperature.of(self.distances)[:, None])
        right = self.answers.counted_as == self.answers.targets[:, None]
        return (shares * right).sum(axis=2), shares.sum(axis=2)

    @functools.cached_property
    def _counted(self) -> Float64:
        """Logits less the highest that counts, (S, N, L); minus infinity where one does not."""
        counts = self.answers.counted_as != LEFT_OUT
        counted = np.where(counts, self.logits.astype(np.float64), -np.inf)
        counted -= counted.max(axis=2, keepdims=True)
        return counted


def fit_to_distances(answered: Sequence[Answered]) -> Temperature:
    """The temperature of the least log loss (Guo et al. 2017, arXiv:1706.04599).

    Clips of corpora that a network was trained on are near its training distribution, and those of
    others further away, where it is wrong more often: one temperature serves both if it follows
    the distance.

    Args:
        answered: by protocol; each weighs the same. Clips whose emotion was not in the fit do not
            count.
    """
    counted = [each.where(each.answers.targets != LEFT_OUT) for each in answered]

    def log_loss(parameters: Float64) -> float:
        logarithm, exponent = parameters
        temperature = Temperature(float(np.exp(logarithm)), float(exponent))
        return float(np.mean([each.log_loss(temperature) for each in counted]))

    found = minimize(log_loss, (0.0, 0.2), method="L-BFGS-B", bounds=BOUNDS, options=PRECISION)
    logarithm, exponent = found.x
    return Temperature(float(np.exp(logarithm)), float(exponent))


def _even(corpora: npt.NDArray[np.str_]) -> Float64:
    """(n,), summing to 1."""
    _, index, counts = np.unique(corpora, return_inverse=True, return_counts=True)
    weights: Float64 = 1 / (len(counts) * counts[index])
    return weights
