"""A clip as one row of numbers, and clips of one speaker as a baseline."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Float64, Integers
from training.features.mfcc import pool
from training.features.recipe import RECIPE
from training.features.recordings.statistics import STATISTICS, prosody_statistics

COEFFICIENTS = RECIPE.n_mfcc
PROSODY = 3  # log F0, voicing, level
MEMBERS = COEFFICIENTS + PROSODY  # of a baseline's mean, and of its spread
BASELINE = 2 * MEMBERS + 1  # mean, spread, number of clips

# Where the parts of a clip's row are.
MEANS = slice(0, MEMBERS)
MFCCS = slice(0, COEFFICIENTS)  # the first of the means
SQUARES = slice(MEMBERS, 2 * MEMBERS)
POOLED_PROSODY = slice(2 * MEMBERS, 2 * MEMBERS + len(STATISTICS))
SUMMARY = POOLED_PROSODY.stop

# A clip as a network with baselines takes it: MFCCs, statistics, baseline.
ROW = COEFFICIENTS + len(STATISTICS) + BASELINE
LOG_F0 = COEFFICIENTS  # among MEMBERS


def summary(frames: Float32, prosody: Float32) -> Float32:
    """All that networks with the input `vector` and baselines need of a clip.

    Args:
        frames: float32 (T, 25).
        prosody: float32 (T, 3).

    Returns:
        float32 (SUMMARY,): means and mean squares of MFCCs and prosody, and prosody statistics.
        The moments of log F0 are those of voiced frames, and 0 if there are none.
    """
    moments = [_moments(frames, prosody, power) for power in (1, 2)]
    return np.concatenate([*moments, prosody_statistics(prosody)]).astype(np.float32)


def _moments(frames: Float32, prosody: Float32, power: int) -> Float64:
    """Means of the powers of the columns, (MEMBERS,)."""
    parts = (frames, prosody)
    means = np.concatenate([(part.astype(np.float64) ** power).mean(axis=0) for part in parts])
    means[LOG_F0] /= max(float((prosody[:, 0] > 0).mean()), 1e-12)
    return np.asarray(means)


def baselines(summaries: Float32, taken: npt.NDArray[np.bool_]) -> Float32:
    """Mean and spread over clips, each of which has the same weight.

    Args:
        summaries: float32 (..., n, SUMMARY).
        taken: bool (..., n): the clips that count; all False gives zeros.

    Returns:
        float32 (..., BASELINE): mean (28), spread (28), number of clips. Clips without voiced
        frames do not count for log F0.
    """
    means, squares = (summaries[..., part].astype(np.float64) for part in (MEANS, SQUARES))
    weights = np.repeat(taken[..., None], MEMBERS, axis=-1).astype(np.float64)
    weights[..., LOG_F0] *= means[..., LOG_F0] > 0
    total = np.maximum(weights.sum(axis=-2), 1e-12)
    mean = (weights * means).sum(axis=-2) / total
    square = (weights * squares).sum(axis=-2) / total
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    count = taken.sum(axis=-1, keepdims=True)
    return np.concatenate([mean, spread, count], axis=-1).astype(np.float32)


@dataclass(frozen=True)
class Draw:
    """Draws other clips of the same speakers."""

    speakers: npt.NDArray[np.str_]  # (N,)
    most: int  # clips of a baseline

    def others(
        self, rows: Integers, random: np.random.Generator
    ) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Other clips of the speakers of `rows` (n,), in a random order.

        Returns:
            Indices (n, most), and which of them exist: a speaker may have fewer clips.
        """
        same = self.speakers[rows][:, None] == self.speakers[None]
        same[np.arange(len(rows)), rows] = False
        order = np.where(same, random.random(same.shape), 2.0)
        chosen = np.argsort(order, axis=1)[:, : self.most]
        return chosen, np.take_along_axis(same, chosen, axis=1)


def split(rows: Float32) -> tuple[Float32, Float32, Float32]:
    """Rows (N, ROW) to the inputs of a network: MFCCs, prosody statistics and baselines."""
    mfccs, prosody, baseline = np.split(rows, [COEFFICIENTS, ROW - BASELINE], axis=-1)
    return mfccs, prosody, baseline


def mfcc_vectors(features: Float32) -> Float32:
    """Mean MFCCs (..., 25), or summaries of clips (..., SUMMARY), to mean MFCCs (..., 25)."""
    return features[..., MFCCS]


def mfccs_of(clip: Float32) -> Float32:
    """A clip's frames (T, 25), or its row (ROW,), to its mean MFCCs (25,)."""
    return pool(clip) if clip.ndim > 1 else clip[MFCCS]
