"""Fingerprints: the features that each known mistake yields on the reference clip.

Tolerances are measured. The clip is resampled as a client might do it, and the largest change of a
feature, with a margin, is the tolerance.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, partial
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import scipy.signal
from tqdm import tqdm

from training.arrays import Float64
from training.contract.computation import Computation, resample
from training.contract.mistakes import (
    ANDROID_CLIENT,
    MISTAKES,
    OUTWARD_MISTAKES,
    RIGHT,
    Mistake,
    Overrides,
)
from training.contract.tarsosdsp import FRAME_LENGTH, android_client_vector
from training.features.recipe import RECIPE

MARGIN = 1.5  # factor over the change by the other resampler
RELATIVE_PRECISION = 5e-4  # of the largest coefficient: differently rounded constants
ABSOLUTE_PRECISION = 1e-3
SEPARATION = 4.0  # tolerances; a pair that is closer to another explanation is left out
# TarsosDSP transforms 44,100 points at once in single precision. In the highest bands of the clip,
# its rounding errors are about as large as the signal.
ANDROID_PRECISION = 0.5
OTHER_RATE = 48_000  # Hz, to which the other client's audio is resampled and back
GAIN = 10.0  # 20 dB


ResampleTo: TypeAlias = Callable[[float], Float64]  # a rate in Hz to the clip at that rate


@dataclass(frozen=True)
class Fingerprint:
    """The vector that a client with these mistakes sends."""

    codes: tuple[str, ...]
    mfccs: Float64  # (25,), or fewer where a mistake drops some
    frames: int
    tolerance: float  # greatest absolute difference of a coefficient
    gain_step: float | None = None  # of the first coefficient per 1 dB, where no other changes

    def as_json(self) -> dict[str, Any]:
        """For the metadata, rounded to about a hundredth of the tolerance."""
        decimals = max(0, 2 - int(np.floor(np.log10(self.tolerance))))
        values: dict[str, Any] = {
            "mfccs": self.mfccs.round(decimals).tolist(),
            "frames": self.frames,
            "tolerance": float(f"{self.tolerance:.3g}"),
        }
        return values if self.gain_step is None else values | {"gainStep": self.gain_step}


def client(resample_to: ResampleTo) -> Callable[[Computation], tuple[Float64, int]]:
    """Return a function from a computation to its vector and number of frames.

    It caches the resampled audio and the spectra.

    Args:
        resample_to: maps a sample rate in Hz to the reference clip at that rate.
    """
    resampled = cache(resample_to)

    @cache
    def mel_spectra(computation: Computation) -> Float64:
        return computation.mel_spectra(resampled)

    def vector(computation: Computation) -> tuple[Float64, int]:
        frames = computation.frames(mel_spectra(computation.before_mel()))
        return computation.pool(frames), len(frames)

    return vector


def polyphase(audio: Float64, rate: float, source: float = RECIPE.sample_rate) -> Float64:
    """A second resampler, SciPy's, whose filter is less steep."""
    ratio = Fraction(rate / source).limit_denominator(1_000)
    return np.asarray(scipy.signal.resample_poly(audio, ratio.numerator, ratio.denominator))


def _through_other_rate(audio: Float64) -> Float64:
    ratio = Fraction(OTHER_RATE, RECIPE.sample_rate)
    there = scipy.signal.resample_poly(audio, ratio.numerator, ratio.denominator)
    back = scipy.signal.resample_poly(there, ratio.denominator, ratio.numerator)
    return np.asarray(back[: len(audio)])


class Fingerprints:
    """Measures fingerprints on one reference clip.

    Args:
        resample_to: how the client resamples.
        others: other ways to do the same, whose changes of the features are tolerated.
    """

    def __init__(self, resample_to: ResampleTo, others: Iterable[ResampleTo]) -> None:
        self._vector = client(resample_to)
        self._other_vectors = [client(other) for other in others]

    @classmethod
    def at_the_recipes_rate(cls, audio: Float64) -> "Fingerprints":
        """On a clip at the rate of the recipe, float64 (samples,)."""
        other = partial(polyphase, _through_other_rate(audio))
        return cls(partial(resample, audio), [other])

    def right(self) -> Fingerprint:
        """The fingerprint of the recipe, without a mistake."""
        return self.measure((), RIGHT)

    def singles(self, mistakes: Iterable[Mistake] = MISTAKES) -> list[Fingerprint]:
        """The fingerprints of each variant of each mistake."""
        return [
            self.measure((mistake.code,), computation)
            for mistake in mistakes
            for computation in mistake.computations()
        ]

    def pairs(self, others: Iterable[Fingerprint]) -> list[Fingerprint]:
        """The fingerprints of pairs of mistakes that differ from all others and from each other."""
        candidates = [
            self.measure(codes, replace(RIGHT, **overrides))
            for codes, overrides in tqdm(
                list(self._pairs()), desc="pairs of mistakes", disable=None
            )
        ]
        return distinct(candidates, list(others))

    def measure(self, codes: tuple[str, ...], computation: Computation) -> Fingerprint:
        """The fingerprint of one computation, under the codes of its mistakes."""
        vector, frames = self._vector(computation)
        others = [other(computation)[0] for other in self._other_vectors]
        tolerance = _tolerance(vector, others)
        step = None if len(codes) > 1 else self._gain_step(computation, tolerance)
        return Fingerprint(codes, vector, frames, tolerance, step)

    def _gain_step(self, computation: Computation, tolerance: float) -> float | None:
        """The change of the first coefficient per 1 dB; None where another changes too."""
        louder, _ = self._vector(replace(computation, gain=GAIN * computation.gain))
        change = louder - self._vector(computation)[0]
        if np.abs(change[1:]).max() > tolerance / 10 or abs(change[0]) <= tolerance:
            return None
        return float(change[0] / (20 * np.log10(GAIN)))

    def _pairs(self) -> Iterator[tuple[tuple[str, str], Overrides]]:
        for first, second in combinations(MISTAKES, 2):
            for one in (first.variants[i] for i in first.paired):
                for other in (second.variants[i] for i in second.paired):
                    if not one.keys() & other.keys() and not self._is_covered_by_gain(one, other):
                        yield (first.code, second.code), {**one, **other}

    def _is_covered_by_gain(self, one: Overrides, other: Overrides) -> bool:
        """Whether a pair is a mistake and a gain, which its gain step covers already."""
        for gain, rest in ((one, other), (other, one)):
            if gain.keys() == {"gain"}:
                return self.measure(("",), replace(RIGHT, **rest)).gain_step is not None
        return False


def android_client(audio: Float64) -> Iterator[Fingerprint]:
    """Of three stretches: two seconds from 1.0 s, the first two and the last two."""
    for offset in (RECIPE.sample_rate, 0, len(audio) - FRAME_LENGTH):
        vector = android_client_vector(audio[offset:])
        yield Fingerprint((ANDROID_CLIENT.code,), vector, 1, ANDROID_PRECISION)


def _tolerance(vector: Float64, others: Iterable[Float64]) -> float:
    changes = [float(np.abs(vector - other).max()) for other in others]
    return max(
        MARGIN * max(changes),
        RELATIVE_PRECISION * float(np.abs(vector).max()),
        ABSOLUTE_PRECISION,
    )


def distinct(candidates: list[Fingerprint], others: list[Fingerprint]) -> list[Fingerprint]:
    """The candidates that cannot be confused with another explanation."""
    explanations = [*candidates, *others]
    vectors = np.full((len(explanations), RECIPE.n_mfcc), np.nan)
    for vector, explanation in zip(vectors, explanations, strict=True):
        vector[: len(explanation.mfccs)] = explanation.mfccs
    # Of two pairs, only the tolerance of the candidate counts.
    tolerances = np.array([0.0] * len(candidates) + [other.tolerance for other in others])
    codes = np.array([frozenset(one.codes) for one in candidates] + [None] * len(others))
    kept = []
    for index, candidate in enumerate(candidates):
        # The greatest difference over the coefficients that both have; others are NaN.
        differences = np.nanmax(np.abs(vectors - vectors[index]), axis=1)
        limits = SEPARATION * np.maximum(tolerances, candidate.tolerance)
        if (differences > limits)[codes != codes[index]].all():
            kept.append(candidate)
    return kept


def catalogue(audio: Float64) -> dict[str, Any]:
    """Everything that the server needs to name a mistake, ready for JSON.

    Args:
        audio: the reference clip, float64 (samples,).
    """
    fingerprints = Fingerprints.at_the_recipes_rate(audio)
    right = fingerprints.right()
    singles = [*fingerprints.singles(), *android_client(audio)]
    pairs = fingerprints.pairs([right, *singles])
    return as_json(right, (*MISTAKES, ANDROID_CLIENT, *OUTWARD_MISTAKES), singles, pairs)


def as_json(
    right: Fingerprint,
    mistakes: Iterable[Mistake],
    singles: Iterable[Fingerprint],
    pairs: Iterable[Fingerprint],
) -> dict[str, Any]:
    """The fingerprints of one clip in the form of the metadata."""
    by_code: dict[str, list[dict[str, Any]]] = {}
    for fingerprint in singles:
        by_code.setdefault(fingerprint.codes[0], []).append(fingerprint.as_json())
    return {
        "right": right.as_json(),
        "single": [
            {
                "code": mistake.code,
                "explanation": mistake.explanation,
                "remedy": mistake.remedy,
                "signatures": by_code.get(mistake.code, []),
            }
            for mistake in mistakes
        ],
        "pairs": [{"codes": list(pair.codes)} | pair.as_json() for pair in pairs],
    }
