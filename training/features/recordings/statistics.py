"""Twelve statistics of a clip's prosody, for networks that take vectors: the reference.

Percentiles, spread and slope of the pitch, the share of voiced frames, and spread and movement of
the level. `Movement` is the mean step between neighbouring frames, without its sign.
"""

import numpy as np

from training.arrays import Float32, Float64
from training.features.recipe import RECIPE

STATISTICS = (
    "f0Percentile10",  # octaves above 27.5 Hz; all of F0 over voiced frames alone
    "f0Percentile50",
    "f0Percentile90",
    "f0Deviation",
    "f0Slope",  # octaves per second
    "f0Movement",  # between neighbours that are both voiced
    "voicedShare",
    "voicingMean",
    "levelDeviation",  # dB
    "levelMovement",
    "levelRange",  # between the 10th and the 90th percentile
    "levelSlope",  # dB per second
)
LOW, HIGH = 0.1, 0.9  # quantiles
HOP_SECONDS = RECIPE.hop_length / RECIPE.sample_rate


def prosody_statistics(prosody: Float32) -> Float32:
    """Prosody float32 (T, 3), at least one frame, to its statistics, float32 (12,).

    What cannot be computed, because there are too few frames or voiced frames, is 0.
    """
    octaves, voicing, level = prosody.astype(np.float64).T
    voiced = octaves > 0
    low, high = np.quantile(level, (LOW, HIGH))
    values = [
        *_of_pitch(octaves, voiced),
        voiced.mean(),
        voicing.mean(),
        level.std(),
        _mean(np.abs(np.diff(level))),
        high - low,
        _slope(np.arange(len(level)), level),
    ]
    return np.array(values, np.float32)


def _of_pitch(octaves: Float64, voiced: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[float]:
    """The six statistics of F0, of T frames."""
    frames = np.flatnonzero(voiced)
    if not len(frames):
        return [0.0] * 6
    pitch = octaves[frames]
    steps = np.abs(np.diff(octaves))[voiced[1:] & voiced[:-1]]
    return [
        *np.quantile(pitch, (LOW, 0.5, HIGH)),
        float(pitch.std()),
        _slope(frames, pitch),
        _mean(steps),
    ]


def _mean(values: Float64) -> float:
    return float(values.mean()) if len(values) else 0.0


def _slope(frames: np.ndarray[tuple[int], np.dtype[np.int64]], values: Float64) -> float:
    """The slope per second of the least-squares line through values at these frames."""
    times = (frames - frames.mean()) * HOP_SECONDS
    spread = float(times @ times)
    return float(times @ values) / spread if spread else 0.0
