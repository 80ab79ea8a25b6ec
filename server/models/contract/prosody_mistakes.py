"""Compares a client's prosody of a reference clip with the reference's own, and names mistakes.

Another right pitch tracker agrees: librosa's pyin and yin are within 0.01 octaves of the references
in the median, and levels under another window within 0.5 dB. The tolerances leave room above that.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from server.models.contract.mistakes import FRAMES_TOLERANCE, Float32, Float64, Outcome

Mask = npt.NDArray[np.bool_]

HERTZ = "pitch-in-hertz"
NATURAL_LOGARITHM = "pitch-natural-logarithm"
SEMITONES = "pitch-in-semitones"
REFERENCE_FREQUENCY = "pitch-reference-frequency"
OCTAVE_LOW = "pitch-octave-low"
OCTAVE_HIGH = "pitch-octave-high"
UNVOICED_NOT_ZERO = "unvoiced-not-zero"
LEVEL_NOT_DECIBELS = "level-not-decibels"
HOP_LENGTH = "prosody-hop-length"

PITCH_TOLERANCE = 0.05  # octaves, of the median difference; a semitone is 0.083
NEAR = 0.1  # octaves, of one frame
FEWEST_NEAR = 0.7  # share of the common voiced frames, also an octave away
FEWEST_COMMON = 0.5  # share of the reference's voiced frames
OCTAVE_ERRORS = 0.1  # share of the common voiced frames
LEVEL_TOLERANCE = 1.5  # dB, of the median difference
VOICING_MARGIN = 0.01  # beyond the range from 0 to 1
SIMILAR_HOP = 1.1  # ratio of the numbers of rows; a smaller one has other causes than the hop
ZERO_FRAMES = 0.1  # share of the unvoiced frames that are 0, if 0 stands for them
CODED_FRAMES = (
    0.3  # share of the unvoiced frames that have one other value, if that stands for them
)
OTHER_REFERENCES = (1.0, 10.0, 100.0, 440.0)  # Hz; 55 Hz would look like an octave error
MIDI_NUMBER, MIDI_HERTZ = 69, 440.0
SMALLEST = 1e-5  # of F0 and amplitudes, before a logarithm
NEPER = np.log(10)


class PitchComparison(NamedTuple):
    """How log F0 differs from the reference, in the frames that are voiced in both.

    unit: the code of the mistake whose unit explains the values; empty for the right unit.
    common: share of the reference's voiced frames that are voiced in both.
    difference: median in octaves, without octave errors.
    near: share of the common frames near the reference, or an octave from there.
    low, high: shares of the common frames an octave below and above the reference.
    unvoiced_value: what stands for unvoiced frames; None: no single value.
    """

    unit: str
    common: float
    difference: float
    near: float
    low: float
    high: float
    unvoiced_value: float | None

    @property
    def fits(self) -> bool:
        """Whether the unit and octave errors explain the pitch."""
        is_near = self.near >= FEWEST_NEAR and self.difference <= PITCH_TOLERANCE
        return is_near and self.common >= FEWEST_COMMON

    def mistakes(self) -> Iterator[str]:
        """Codes of the mistakes that explain the pitch."""
        if self.unit:
            yield self.unit
        if self.low >= OCTAVE_ERRORS:
            yield OCTAVE_LOW
        if self.high >= OCTAVE_ERRORS:
            yield OCTAVE_HIGH
        if self.unvoiced_value != 0:
            yield UNVOICED_NOT_ZERO


class LevelComparison(NamedTuple):
    """How the level differs from the reference.

    mistake: the code of the mistake that explains it; empty: none is needed, or none does.
    difference: median in decibels, as the level was sent.
    """

    mistake: str
    difference: float


@dataclass(frozen=True)
class ProsodyVerdict:
    """The result of a comparison.

    differs_in: what no mistake explains: `rows`, `pitch`, `voicing`, `level`.
    """

    codes: tuple[str, ...]
    differs_in: tuple[str, ...]
    rows: int
    expected_rows: int
    pitch: PitchComparison
    level: LevelComparison
    reference_hertz: float

    @property
    def outcome(self) -> Outcome:
        """A mistake, if one is recognised; agreement, if nothing differs."""
        if self.codes:
            return "mistake"
        return "unrecognised" if self.differs_in else "agreement"


@dataclass(frozen=True)
class ProsodyVerifier:
    """Compares prosody with that of one reference clip.

    rows: (T, 3), log F0 with 0 for unvoiced frames, voicing, level in decibels.
    reference_hertz: the frequency above which log F0 counts octaves.
    """

    rows: Sequence[Sequence[float]]
    reference_hertz: float

    def verify(self, prosody: Float32) -> ProsodyVerdict:
        """Verifies rows (T', 3), finite, of any number of at least one."""
        aligned = self._aligned(prosody.astype(np.float64))
        pitch = self._compare_pitch(aligned[:, 0])
        level = self._compare_level(aligned[:, 2])
        is_other_hop = pitch.fits and self._ratio(prosody) >= SIMILAR_HOP
        codes = (
            *((HOP_LENGTH,) if is_other_hop else ()),
            *(pitch.mistakes() if pitch.fits else ()),
            *filter(None, (level.mistake,)),
        )
        has_rows = is_other_hop or abs(len(prosody) - len(self.rows)) <= FRAMES_TOLERANCE
        differs = {
            "rows": not has_rows,
            "pitch": not pitch.fits,
            "voicing": _is_outside(prosody[:, 1]),
            "level": not level.mistake and level.difference > LEVEL_TOLERANCE,
        }
        differs_in = tuple(name for name, is_true in differs.items() if is_true)
        counts = (len(prosody), len(self.rows))
        return ProsodyVerdict(codes, differs_in, *counts, pitch, level, self.reference_hertz)

    def _aligned(self, prosody: Float64) -> Float64:
        """One row for each of the reference: the nearest in time, if the hop is another."""
        count, expected = len(prosody), len(self.rows)
        if abs(count - expected) <= FRAMES_TOLERANCE:
            indices = np.minimum(np.arange(expected), count - 1)
        else:
            indices = np.round(np.linspace(0, count - 1, expected)).astype(np.intp)
        return np.asarray(prosody[indices])

    def _ratio(self, prosody: Float32) -> float:
        counts = (len(prosody), len(self.rows))
        return max(counts) / min(counts)

    def _compare_pitch(self, values: Float64) -> PitchComparison:
        """Compares with the unit that brings most frames near the reference."""
        unvoiced_value = self._unvoiced_value(values)
        is_common = self._is_voiced & (values != unvoiced_value)
        common = float(is_common.sum() / max(1, self._is_voiced.sum()))
        if not is_common.any():
            return PitchComparison("", common, np.inf, 0.0, 0.0, 0.0, unvoiced_value)
        expected = self._reference[is_common, 0]
        found = [
            (unit, *_octave_errors(convert(values[is_common]) - expected))
            for unit, convert in self._units
        ]
        unit, difference, low, high, near = max(found, key=lambda item: item[-1])
        return PitchComparison(unit, common, difference, near, low, high, unvoiced_value)

    def _unvoiced_value(self, values: Float64) -> float | None:
        """The value of log F0 that stands for unvoiced frames; None: there is no single one."""
        unvoiced = values[~self._is_voiced]
        if not len(unvoiced) or (unvoiced == 0).mean() >= ZERO_FRAMES:
            return 0.0
        candidates, counts = np.unique(unvoiced, return_counts=True)
        best = counts.argmax()
        return float(candidates[best]) if counts[best] >= CODED_FRAMES * len(unvoiced) else None

    def _compare_level(self, values: Float64) -> LevelComparison:
        """Compares with decibels first, then with other measures of the level."""
        differences = [
            float(np.median(np.abs(convert(values) - self._reference[:, 2]))) for convert in _LEVELS
        ]
        fits = [difference <= LEVEL_TOLERANCE for difference in differences]
        is_mistaken = any(fits) and not fits[0]
        return LevelComparison(LEVEL_NOT_DECIBELS if is_mistaken else "", differences[0])

    @cached_property
    def _reference(self) -> Float64:
        return np.asarray(self.rows, dtype=np.float64)

    @cached_property
    def _is_voiced(self) -> Mask:
        return np.asarray(self._reference[:, 0] > 0)

    @cached_property
    def _units(self) -> list[tuple[str, Callable[[Float64], Float64]]]:
        """From log F0 in each unit to octaves above the reference, with the code; right first."""
        octaves = np.log2(self.reference_hertz)
        others = [np.log2(hertz) - octaves for hertz in OTHER_REFERENCES]
        midi = np.log2(MIDI_HERTZ) - octaves - MIDI_NUMBER / 12
        return [
            ("", lambda values: values),
            (HERTZ, lambda values: np.log2(np.maximum(values, SMALLEST)) - octaves),
            *((NATURAL_LOGARITHM, _linear(1 / np.log(2), other)) for other in (0.0, others[0])),
            *((SEMITONES, _linear(1 / 12, other)) for other in (0.0, midi, *others)),
            *((REFERENCE_FREQUENCY, _linear(1.0, other)) for other in others),
        ]


def _linear(factor: float, offset: float) -> Callable[[Float64], Float64]:
    return lambda values: values * factor + offset


# From a measure of the level to decibels; decibels first.
_LEVELS: tuple[Callable[[Float64], Float64], ...] = (
    lambda values: values,
    lambda values: 20 * np.log10(np.maximum(values, SMALLEST)),  # of an amplitude
    lambda values: 10 * np.log10(np.maximum(values, SMALLEST**2)),  # of a power
    _linear(10.0, 0.0),  # of the base-10 logarithm of a power
    _linear(20.0, 0.0),  # of that of an amplitude
    _linear(10 / NEPER, 0.0),  # of the natural logarithm of a power
    _linear(20 / NEPER, 0.0),  # of that of an amplitude
)


def _octave_errors(differences: Float64) -> tuple[float, float, float, float]:
    """The median difference without octave errors, the shares of these, and the share near 0."""
    octaves = np.clip(np.round(differences), -1, 1)
    rest = np.abs(differences - octaves)
    is_near = rest <= NEAR
    low, high = (float((is_near & (octaves == sign)).mean()) for sign in (-1, 1))
    return float(np.median(rest)), low, high, float(is_near.mean())


def _is_outside(voicing: Float32) -> bool:
    """Whether a degree of voicing lies outside the range from 0 to 1."""
    return bool(voicing.min() < -VOICING_MARGIN or voicing.max() > 1 + VOICING_MARGIN)
