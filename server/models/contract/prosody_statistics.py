"""Pools prosody over the frames of an utterance to the statistics that vector networks take."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT32_MAXIMUM = float(np.finfo(np.float32).max)
PROSODY_COLUMNS = 3  # log F0 in octaves above 27.5 Hz, 0: unvoiced; voicing, 0 to 1; level in dB
MOST_STATISTICS = 20
SECONDS_PER_FRAME = 512 / 22_050
FEWEST_CORRELATED = 3  # voiced frames
FLAT = 1e-4  # octaves or dB; a smaller deviation has no correlation

Floats = NDArray[np.float64]
Frames = NDArray[np.float32]
ProsodyPooling = Callable[[Frames], Frames]


def prosody_pooling(names: Sequence[str]) -> ProsodyPooling:
    """A function from prosody, float32 (T, 3) with T >= 1, to those statistics, float32 (P,).

    Raises:
        ValueError: names statistics that are not known.
    """
    unknown = [name for name in names if name not in KNOWN_STATISTICS]
    if unknown:
        expected = ", ".join(sorted(KNOWN_STATISTICS))
        raise ValueError(f"prosody statistics {unknown} are not known; expected some of {expected}")

    def pool(prosody: Frames) -> Frames:
        values = prosody_statistics(prosody)
        pooled = np.array([values[name] for name in names])
        return pooled.clip(-FLOAT32_MAXIMUM, FLOAT32_MAXIMUM).astype(np.float32)

    return pool


def prosody_statistics(prosody: Frames) -> Mapping[str, float]:
    """Every known statistic of float32 (T, 3), by name; 0 for one that cannot be computed.

    Slopes are per second; those of log F0 take voiced frames alone.
    """
    log_f0, voicing, level = prosody.astype(np.float64).T
    seconds = np.arange(len(prosody)) * SECONDS_PER_FRAME
    voiced = log_f0 > 0
    f0_low, f0_middle, f0_high = _percentiles(log_f0[voiced], 10, 50, 90)
    level_low, level_high = _percentiles(level, 10, 90)
    both_voiced = voiced[1:] & voiced[:-1]
    return {
        "f0Percentile10": f0_low,
        "f0Percentile50": f0_middle,
        "f0Percentile90": f0_high,
        "f0Deviation": _deviation(log_f0[voiced]),
        "f0Slope": _slope(seconds[voiced], log_f0[voiced]),
        "f0Movement": _mean(np.abs(np.diff(log_f0))[both_voiced]),
        "voicedShare": _mean(voiced.astype(np.float64)),
        "voicingMean": _mean(voicing),
        "levelDeviation": _deviation(level),
        "levelMovement": _mean(np.abs(np.diff(level))),
        "levelRange": level_high - level_low,
        "levelSlope": _slope(seconds, level),
        "voicingDeviation": _deviation(voicing),
        "voicingMovement": _mean(np.abs(np.diff(voicing))),
        "f0Level": _correlation(log_f0[voiced], level[voiced]),
        "voicedLevel": _difference(level[voiced], level[~voiced]),
    }


def _percentiles(values: Floats, *percents: float) -> list[float]:
    """Percentiles by linear interpolation; PERF: np.percentile takes ten times as long."""
    if not values.size:
        return [0.0] * len(percents)
    ordered = np.sort(values)
    places = [percent / 100 * (len(ordered) - 1) for percent in percents]
    found: list[float] = np.interp(places, np.arange(len(ordered)), ordered).tolist()
    return found


def _correlation(one: Floats, other: Floats) -> float:
    """Pearson's correlation."""
    deviations = _deviation(one), _deviation(other)
    if len(one) < FEWEST_CORRELATED or min(deviations) < FLAT:
        return 0.0
    return _mean((one - one.mean()) * (other - other.mean())) / prod(deviations)


def _difference(one: Floats, other: Floats) -> float:
    """The difference of the means."""
    return _mean(one) - _mean(other) if one.size and other.size else 0.0


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else 0.0


def _deviation(values: Floats) -> float:
    return float(values.std()) if values.size else 0.0


def _slope(seconds: NDArray[np.floating[Any]], values: Floats) -> float:
    """The slope of the straight line with the least squares."""
    if len(values) < 2:
        return 0.0
    times = seconds - seconds.mean()
    return float(times @ (values - values.mean()) / (times @ times))


KNOWN_STATISTICS = frozenset(prosody_statistics(np.zeros((1, PROSODY_COLUMNS), np.float32)))
