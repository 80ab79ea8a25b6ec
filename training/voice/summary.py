"""A clip as one row of numbers, and clips of one speaker as a baseline."""

from typing import Any

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


def clip_means(frames: Float32, prosody: Float32) -> Float32:
    """Means of the frames (T, 25) and of prosody (T, 3), float32 (28,); log F0 of voiced frames."""
    return _moments(frames, prosody, 1).astype(np.float32)


def baseline_of(means: Float32) -> Float32:
    """The baseline (BASELINE,) of clips whose means are (n, 28)."""
    taken = np.ones(len(means), np.bool_)
    return baselines(np.concatenate([means, np.square(means)], axis=1), taken)


def baselines(summaries: Float32, taken: npt.NDArray[np.bool_]) -> Float32:
    """Mean and spread over clips, each of which has the same weight.

    Args:
        summaries: float32 (..., n, SUMMARY).
        taken: bool (..., n): the clips that count; all False gives zeros.

    Returns:
        float32 (..., BASELINE): mean (28), spread (28), number of clips. Clips without voiced
        frames do not count for log F0.
    """
    moments = summaries[..., : 2 * MEMBERS].astype(np.float64)
    voiced = taken & (summaries[..., LOG_F0] > 0)
    sums = (taken[..., None, :].astype(np.float64) @ moments)[..., 0, :]
    counts = np.repeat(taken.sum(axis=-1)[..., None], 2 * MEMBERS, axis=-1)
    counts[..., [LOG_F0, MEMBERS + LOG_F0]] = voiced.sum(axis=-1)[..., None]
    mean, square = np.split(sums / np.maximum(counts, 1), 2, axis=-1)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    return np.concatenate([mean, spread, counts[..., :1]], axis=-1).astype(np.float32)


class Draw:
    """Draws other clips of the same speakers."""

    def __init__(self, speakers: npt.NDArray[np.str_], most: int) -> None:
        """From the names of the speakers of N clips; `most` clips are drawn for each."""
        _, self.voice, counts = np.unique(speakers, return_inverse=True, return_counts=True)
        self.most = most
        self.exist = np.arange(counts.max()) < counts[:, None]
        self.clips = np.zeros(self.exist.shape, np.int64)  # of each speaker, and padding
        self.clips[self.exist] = np.argsort(self.voice, kind="stable")

    def others(
        self, rows: Integers, random: np.random.Generator
    ) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Other clips of the speakers of `rows` (n,), in a random order.

        Returns:
            Indices (n, m), m at most `most`, and which of them count: a speaker may have fewer.
        """
        voice = self.voice[rows]
        clips = self.clips[voice]
        others = self.exist[voice] & (clips != rows[:, None])
        order = np.argsort(np.where(others, random.random(others.shape), 2.0), axis=1)
        order = order[:, : self.most]
        return np.take_along_axis(clips, order, axis=1), np.take_along_axis(others, order, axis=1)


def alone(mfccs: Float32) -> Float32:
    """The row (ROW,) of a clip of which only the mean MFCCs (25,) are given."""
    return np.concatenate([mfccs, np.zeros(ROW - len(mfccs), np.float32)])


def split(rows: Float32) -> tuple[Float32, Float32, Float32]:
    """Rows (N, ROW) to the inputs of a network: MFCCs, prosody statistics and baselines."""
    mfccs, prosody, baseline = np.split(rows, [COEFFICIENTS, ROW - BASELINE], axis=-1)
    return mfccs, prosody, baseline


def mfcc_vectors(features: Float32) -> Float32:
    """Mean MFCCs (..., 25), or summaries of clips (..., SUMMARY), to mean MFCCs (..., 25)."""
    return features[..., MFCCS]


def mfccs_of(clip: Any) -> Float32:
    """A `VoiceClip`, a clip's frames (T, 25), or its row (ROW,), to its mean MFCCs (25,)."""
    frames = getattr(clip, "frames", clip)
    return pool(frames) if frames.ndim > 1 else frames[MFCCS]
