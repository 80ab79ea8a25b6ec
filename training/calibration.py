"""Temperature and distance limit, from speakers that a network was not fitted to."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from training.arrays import Float32, Integers

# The share of utterances of unseen speakers above the limit. A smaller one would accept noise.
UNSEEN_WARNED = 0.007
# Where several corpora were trained on: their voices lie further apart, so noise is nearer to them.
UNSEEN_WARNED_OF_SEVERAL = 0.08


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
