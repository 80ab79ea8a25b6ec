"""The ranges of prosody. A value outside them has another unit: hertz, or a linear level.

Such values would make a network sure of a wrong emotion.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Range(NamedTuple):
    """The range of a number of prosody, and its name in messages."""

    name: str
    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{self.name} from {self.lowest:g} to {self.highest:g}"


LOG_F0 = Range("log F0 in octaves above 27.5 Hz, 0 if unvoiced,", 0.0, 5.0)  # up to 880 Hz
VOICING = Range("the degree of voicing", 0.0, 1.0)
LEVEL = Range("the level in decibels below full scale", -120.0, 60.0)
COLUMNS = (LOG_F0, VOICING, LEVEL)
STATISTICS = {
    "f0Percentile10": LOG_F0,
    "f0Percentile50": LOG_F0,
    "f0Percentile90": LOG_F0,
    "voicedShare": Range("the share of voiced frames", 0.0, 1.0),
    "voicingMean": VOICING,
}
ANYTHING = Range("a number", -np.inf, np.inf)


class OutOfRange(NamedTuple):
    """A value outside its range."""

    place: tuple[int, ...]  # indices in the array
    found: float
    expected: Range


def statistics_ranges(names: Sequence[str]) -> tuple[Range, ...]:
    """The range of each of these prosody statistics."""
    return tuple(STATISTICS.get(name, ANYTHING) for name in names)


def out_of_range(values: Array, ranges: Sequence[Range]) -> OutOfRange | None:
    """The first value outside the range of its column, of float32 (..., columns).

    The last columns may have no range.
    """
    if not ranges:
        return None
    lowest, highest = np.array([(low, high) for _, low, high in ranges], np.float32).T
    checked = values[..., : len(ranges)]
    wrong = (checked < lowest) | (checked > highest)
    if not wrong.any():
        return None
    place = tuple(map(int, np.unravel_index(wrong.argmax(), wrong.shape)))
    return OutOfRange(place, float(values[place]), ranges[place[-1]])
