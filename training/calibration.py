"""Temperature and distance limit, from speakers that a network was not fitted to."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from training.arrays import Float32, Float64, Integers

# The share of utterances of unseen speakers above the limit. A smaller one would accept noise.
UNSEEN_WARNED = 0.007
# Where several corpora were trained on: their voices lie further apart, so noise is nearer to them.
UNSEEN_WARNED_OF_SEVERAL = 0.08
# The distances from the training distribution between which a temperature follows them.
NEAREST, FURTHEST = 0.25, 4.0


@dataclass(frozen=True)
class Temperature:
    """What logits are divided by: more for clips further from the training distribution."""

    at_one: float = 1.0  # at the distance 1
    exponent: float = 0.0  # of the distance

    def of(self, distances: Float32) -> Float64:
        """Those of clips at distances (N,)."""
        within = np.clip(distances.astype(np.float64), NEAREST, FURTHEST)
        temperatures: Float64 = self.at_one * within**self.exponent
        return temperatures


def fit_temperature(logits: Float32, targets: Integers) -> float:
    """The temperature by which logits (N, L) are divided: that of the least log loss.

    Guo et al. (2017, arXiv:1706.04599).
    """

    def log_loss(log_temperature: float) -> float:
        log_probabilities = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(log_probabilities[np.arange(len(targets)), targets].mean())

    return float(np.exp(minimize_scalar(log_loss, bounds=(-3, 3), method="bounded").x))


def distance_limit(distances: Float32, *, several_corpora: bool = False) -> float:
    """The distance above which an input is out of distribution, from out-of-fold distances (N,)."""
    warned = UNSEEN_WARNED_OF_SEVERAL if several_corpora else UNSEEN_WARNED
    return float(np.quantile(distances, 1 - warned))
