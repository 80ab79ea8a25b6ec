"""What each known mistake makes of the reference clip, and how closely a client must match it.

A tolerance is measured, not chosen: the clip goes through another resampler, as it would in a
client, and what changes in the features is allowed for.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import scipy.signal
from tqdm import tqdm

from training.contract.computation import Computation, Float64, Resampler, resample
from training.contract.mistakes import (
    ANDROID_CLIENT,
    MISTAKES,
    OUTWARD_MISTAKES,
    RIGHT,
    Changes,
    Mistake,
)
from training.contract.tarsosdsp import FRAME_LENGTH, android_client_vector
from training.features.recipe import RECIPE

MARGIN = 1.5  # over the change that the other resampler makes
RELATIVE_PRECISION = 5e-4  # of the largest coefficient: constants rounded otherwise
ABSOLUTE_PRECISION = 1e-3
SEPARATION = 4.0  # tolerances that lie between a pair and all else, or the pair is not named
# TarsosDSP transforms 44,100 points at once in single precision, and the highest bands of the clip
# hold little more than the errors of that.
ANDROID_PRECISION = 0.5
OTHER_RATE = 48_000  # Hz, through which the other client's audio has gone
GAIN = 10.0  # 20 dB


@dataclass(frozen=True)
class Signature:
    """The vector that a client sends who makes these mistakes."""

    codes: tuple[str, ...]
    mfccs: Float64  # (25,), or fewer where the mistake leaves fewer
    frames: int
    tolerance: float  # largest absolute difference of a coefficient
    gain_step: float | None = None  # of the first coefficient for 1 dB, where no other changes

    def as_json(self) -> dict[str, Any]:
        """With as many decimals as a hundredth of the tolerance needs."""
        decimals = max(0, 2 - int(np.floor(np.log10(self.tolerance))))
        values: dict[str, Any] = {
            "mfccs": self.mfccs.round(decimals).tolist(),
            "frames": self.frames,
            "tolerance": float(f"{self.tolerance:.3g}"),
        }
        return values if self.gain_step is None else values | {"gainStep": self.gain_step}


@dataclass(frozen=True)
class Client:
    """Someone who computes features of the reference clip, right or wrong."""

    audio: Float64
    resampler: Resampler

    def pooled(self) -> Callable[[Computation], tuple[Float64, int]]:
        """From a computation to its vector and its number of frames; spectra are kept."""

        @cache
        def mel_spectra(computation: Computation) -> Float64:
            return computation.mel_spectra(self.audio, self.resampler)

        def vector(computation: Computation) -> tuple[Float64, int]:
            frames = computation.frames(mel_spectra(computation.before_mel()))
            return computation.pool(frames), len(frames)

        return vector


def polyphase(audio: Float64, rate: float) -> Float64:
    """Another resampler, scipy's, with a softer filter."""
    ratio = Fraction(rate / RECIPE.sample_rate).limit_denominator(1_000)
    return np.asarray(scipy.signal.resample_poly(audio, ratio.numerator, ratio.denominator))


def _through_other_rate(audio: Float64) -> Float64:
    ratio = Fraction(OTHER_RATE, RECIPE.sample_rate)
    there = scipy.signal.resample_poly(audio, ratio.numerator, ratio.denominator)
    back = scipy.signal.resample_poly(there, ratio.denominator, ratio.numerator)
    return np.asarray(back[: len(audio)])


class Signatures:
    """Measures signatures on one reference clip, float64 (samples,)."""

    def __init__(self, audio: Float64) -> None:
        self._audio = audio
        self._vector = Client(audio, resample).pooled()
        self._other_vector = Client(_through_other_rate(audio), polyphase).pooled()

    def right(self) -> Signature:
        """The right answer: a signature without a mistake."""
        return self._signature((), RIGHT)

    def singles(self) -> list[Signature]:
        """Each variant of each mistake."""
        computed = [
            self._signature((mistake.code,), computation)
            for mistake in MISTAKES
            for computation in mistake.computations()
        ]
        return computed + list(self._android_client())

    def pairs(self, others: Iterable[Signature]) -> list[Signature]:
        """The pairs of mistakes that differ from all `others`, and from each other."""
        candidates = [
            self._signature(codes, replace(RIGHT, **changes))
            for codes, changes in tqdm(list(self._pairs()), desc="pairs of mistakes", disable=None)
        ]
        return distinct(candidates, list(others))

    def _signature(self, codes: tuple[str, ...], computation: Computation) -> Signature:
        vector, frames = self._vector(computation)
        other, _ = self._other_vector(computation)
        tolerance = _tolerance(vector, other)
        step = None if len(codes) > 1 else self._gain_step(computation, tolerance)
        return Signature(codes, vector, frames, tolerance, step)

    def _gain_step(self, computation: Computation, tolerance: float) -> float | None:
        """Measured with louder audio; None where more than the first coefficient changes."""
        louder, _ = self._vector(replace(computation, gain=GAIN * computation.gain))
        change = louder - self._vector(computation)[0]
        if np.abs(change[1:]).max() > tolerance / 10 or abs(change[0]) <= tolerance:
            return None
        return float(change[0] / (20 * np.log10(GAIN)))

    def _pairs(self) -> Iterator[tuple[tuple[str, str], Changes]]:
        for first, second in combinations(MISTAKES, 2):
            for one in (first.variants[i] for i in first.paired):
                for other in (second.variants[i] for i in second.paired):
                    if not one.keys() & other.keys() and not self._is_told_by_gain(one, other):
                        yield (first.code, second.code), {**one, **other}

    def _is_told_by_gain(self, one: Changes, other: Changes) -> bool:
        """Whether a pair is a mistake and a gain, which need no signature of their own."""
        gains = [changes for changes in (one, other) if changes.keys() == {"gain"}]
        rest = {**one, **other}
        rest.pop("gain", None)
        return bool(gains) and self._signature(("",), replace(RIGHT, **rest)).gain_step is not None

    def _android_client(self) -> Iterator[Signature]:
        """Of the two seconds that it skips to, the first two and the last two."""
        for offset in (RECIPE.sample_rate, 0, len(self._audio) - FRAME_LENGTH):
            vector = android_client_vector(self._audio[offset:])
            yield Signature((ANDROID_CLIENT.code,), vector, 1, ANDROID_PRECISION)


def _tolerance(vector: Float64, other: Float64) -> float:
    return max(
        MARGIN * float(np.abs(vector - other).max()),
        RELATIVE_PRECISION * float(np.abs(vector).max()),
        ABSOLUTE_PRECISION,
    )


def distinct(candidates: list[Signature], others: list[Signature]) -> list[Signature]:
    """Those of the candidates that cannot be taken for another explanation, nor it for them."""
    return [
        candidate
        for candidate in candidates
        if all(
            difference(candidate, other) > SEPARATION * max(candidate.tolerance, other.tolerance)
            for other in others
        )
        and all(
            difference(candidate, other) > SEPARATION * candidate.tolerance
            for other in candidates
            if set(other.codes) != set(candidate.codes)
        )
    ]


def difference(one: Signature, other: Signature) -> float:
    """The largest absolute difference of a coefficient that both have."""
    common = min(len(one.mfccs), len(other.mfccs))
    return float(np.abs(one.mfccs[:common] - other.mfccs[:common]).max())


def catalogue(audio: Float64) -> dict[str, Any]:
    """All that the server needs in order to name a mistake, ready for JSON.

    Measured on the reference clip, float64 (samples,).
    """
    signatures = Signatures(audio)
    right, singles = signatures.right(), signatures.singles()
    by_code: dict[str, list[dict[str, Any]]] = {}
    for signature in singles:
        by_code.setdefault(signature.codes[0], []).append(signature.as_json())
    return {
        "right": right.as_json(),
        "single": [
            _described(mistake) | {"signatures": by_code.get(mistake.code, [])}
            for mistake in (*MISTAKES, ANDROID_CLIENT, *OUTWARD_MISTAKES)
        ],
        "pairs": [
            {"codes": list(pair.codes)} | pair.as_json()
            for pair in signatures.pairs([right, *singles])
        ],
    }


def _described(mistake: Mistake) -> dict[str, Any]:
    return {
        "code": mistake.code,
        "explanation": mistake.explanation,
        "remedy": mistake.remedy,
    }
