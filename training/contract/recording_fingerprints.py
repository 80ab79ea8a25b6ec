"""Fingerprints on a recording at another rate: of resampling, downmix and features."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from training.arrays import Float64
from training.contract import resamplers
from training.contract.computation import resample
from training.contract.fingerprints import (
    Fingerprint,
    Fingerprints,
    ResampleTo,
    as_json,
    distinct,
    polyphase,
)
from training.contract.mistakes import (
    MISTAKES,
    OUTWARD_MISTAKES,
    RATES,
    RIGHT,
    Mistake,
    sample_rate,
)
from training.contract.recording_mistakes import (
    DOWNMIX_MISTAKES,
    LINEAR,
    NEAREST,
    NO_LOW_PASS,
    ONE_CHANNEL,
    RESAMPLING_MISTAKES,
    SUM,
)
from training.features.recipe import RECIPE

# Of the mistakes in the features, those that clients make together with the others here.
COMBINED = (
    "silence-not-trimmed",
    "natural-logarithm",
    "mel-scale-htk",
    "mel-bands-40",
    "dct-not-orthonormal",
    "coefficient-0-left-out",
    "no-centring",
)

# Of each mistake, the methods that count as one, each with its own fingerprint.
METHODS: tuple[tuple[Mistake, resamplers.Interpolation], ...] = (
    (LINEAR, resamplers.linear),
    (NEAREST, resamplers.nearest),
    (NEAREST, resamplers.before),
    (NO_LOW_PASS, resamplers.spline),
    (NO_LOW_PASS, resamplers.catmull_rom),
    (NO_LOW_PASS, resamplers.lagrange),
)


@dataclass(frozen=True)
class Way:
    """A wrong way from the recording to audio at the recipe's rate, before the features."""

    mistakes: tuple[Mistake, ...]
    fingerprints: Fingerprints

    @property
    def codes(self) -> tuple[str, ...]:
        """Of its mistakes."""
        return tuple(mistake.code for mistake in self.mistakes)

    def alone(self) -> Fingerprint:
        """Its fingerprint, where the features are right."""
        return self.fingerprints.measure(self.codes, RIGHT)

    def combined(self, mistakes: Sequence[Mistake]) -> Iterator[Fingerprint]:
        """Its fingerprints together with mistakes in the features."""
        for mistake in mistakes:
            for computation in (replace(RIGHT, **mistake.variants[i]) for i in mistake.paired):
                yield self.fingerprints.measure((*self.codes, mistake.code), computation)


def recording_catalogue(audio: Float64, rate: int) -> dict[str, Any]:
    """Everything that the server needs to name a mistake, ready for JSON.

    Args:
        audio: the reference clip, float64 (samples, channels), one or two channels.
        rate: its sample rate in Hz, above that of the recipe.
    """
    mono = audio.mean(axis=1)
    right = _filtered(mono, rate)
    downmixes = list(_downmixes(audio)) if audio.shape[1] > 1 else []
    inside = _mistakes_in_features(rate)
    ways = [*_interpolations((), mono, rate)]
    ways += [Way((mistake,), _filtered(channel, rate)) for mistake, channel in downmixes]
    singles = [*right.singles(inside), *(way.alone() for way in ways)]
    both = [
        way for mistake, channel in downmixes for way in _interpolations((mistake,), channel, rate)
    ]
    combined = [mistake for mistake in inside if mistake.code in COMBINED]
    pairs = [pair for way in ways for pair in way.combined(combined)]
    pairs += [way.alone() for way in both]
    known = distinct(pairs, [right.right(), *singles])
    mistakes = [*inside, *OUTWARD_MISTAKES, *RESAMPLING_MISTAKES]
    mistakes += DOWNMIX_MISTAKES if downmixes else ()
    return as_json(right.right(), mistakes, singles, known)


def _mistakes_in_features(rate: int) -> list[Mistake]:
    """Those of a clip at the recipe's rate, with sample rates taken for that of the recording."""
    of_rates = {mistake.code: mistake for mistake in (sample_rate(r, rate) for r in RATES)}
    return [of_rates.get(mistake.code, mistake) for mistake in MISTAKES]


def _filtered(mono: Float64, rate: int) -> Fingerprints:
    """Those of clients that resample with a low-pass filter."""
    others: list[ResampleTo] = [
        partial(polyphase, mono, source=rate),
        partial(resamplers.windowed_sinc, mono, source=rate),
    ]
    return Fingerprints(partial(resample, mono, source=rate), others)


def _downmixes(audio: Float64) -> Iterator[tuple[Mistake, Float64]]:
    for channel in audio.T:
        yield ONE_CHANNEL, channel
    yield SUM, audio.sum(axis=1)


def _interpolations(downmix: tuple[Mistake, ...], channel: Float64, rate: int) -> Iterator[Way]:
    """The ways without a low-pass filter, after a downmix."""
    for mistake, method in METHODS:
        aligned = [
            _always(resamplers.interpolated(channel, rate, method, alignment))
            for alignment in resamplers.ALIGNMENTS
        ]
        yield Way((*downmix, mistake), Fingerprints(aligned[0], aligned[1:]))
    audio = _always(resamplers.folded(channel, rate))
    yield Way((*downmix, NO_LOW_PASS), Fingerprints(audio, [audio]))


def _always(audio: Float64) -> Callable[[float], Float64]:
    """A clip that is at the recipe's rate already."""

    def resample_to(rate: float) -> Float64:
        if rate != RECIPE.sample_rate:
            raise ValueError(f"{rate} Hz; expected {RECIPE.sample_rate}")
        return audio

    return resample_to
