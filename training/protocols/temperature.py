"""A temperature from answers to clips of several corpora, each of which weighs the same."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from training.arrays import Float32, Float64
from training.protocols.answers import LEFT_OUT, Answers

TINIEST = 1e-300


def corpus_temperature(
    logits: Float32, answers: Answers, corpora: npt.NDArray[np.str_], mask: npt.NDArray[np.bool_]
) -> float:
    """That of the least log loss (Guo et al. 2017, arXiv:1706.04599).

    Args:
        logits: (S, N, L) of all clips.
        answers: to them; clips whose emotion was not in the fit do not count.
        corpora: (N,).
        mask: (N,), the clips that it is fitted to.
    """
    mask = mask & (answers.targets != LEFT_OUT)
    counted_as, targets = answers.counted_as[mask], answers.targets[mask]
    weights = _even(corpora[mask])
    possible, right = counted_as != LEFT_OUT, counted_as == targets[:, None]
    chosen = np.where(possible, logits[:, mask].astype(np.float64), -np.inf)
    chosen -= chosen.max(axis=2, keepdims=True)

    def log_loss(log_temperature: float) -> float:
        shares = np.exp(chosen / np.exp(log_temperature))
        hit = np.maximum((shares * right).sum(axis=2), TINIEST)
        return float(np.mean(np.log(shares.sum(axis=2) / hit) @ weights))

    return float(np.exp(minimize_scalar(log_loss, bounds=(-3, 3), method="bounded").x))


def _even(corpora: npt.NDArray[np.str_]) -> Float64:
    """(n,), summing to 1."""
    _, index, counts = np.unique(corpora, return_inverse=True, return_counts=True)
    weights: Float64 = 1 / (len(counts) * counts[index])
    return weights
