"""Recognises known mistakes in the features that a client computed from the reference clip.

The extractor's metadata holds a fingerprint of each mistake, with a tolerance, measured when the
extractor was built. A mistake is reported only if its fingerprint matches and no other explanation
is close.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Outcome = Literal["agreement", "mistake", "unrecognised"]

CLEARANCE = 1.5  # smallest distance of every other explanation, in tolerances
FEWEST_COEFFICIENTS = 8  # a shorter vector matches too many fingerprints
FRAMES_TOLERANCE = 1

NUMBER_OF_COEFFICIENTS = "number-of-coefficients"
AMPLITUDE_SCALE = "amplitude-scale"
TRANSPOSED_FRAMES = "transposed-frames"
INT16_SCALE = "samples-not-scaled"
OWN_CODES = (NUMBER_OF_COEFFICIENTS, AMPLITUDE_SCALE, TRANSPOSED_FRAMES, INT16_SCALE)
INT16_GAIN = 20 * np.log10(32_768)  # dB
SMALLEST_GAIN = 0.5  # dB; a smaller gain is no evidence of a mistake


class Fingerprint(msgspec.Struct, frozen=True, rename="camel"):
    """The features of the reference clip, as computed in one way."""

    mfccs: list[float]
    frames: int
    tolerance: Annotated[float, Meta(gt=0)]  # largest absolute difference of a coefficient
    gain_step: float | None = None  # of coefficient 0 per dB, where a gain changes no other


class PairFingerprint(Fingerprint, frozen=True, rename="camel", kw_only=True):
    """The fingerprint of two mistakes made together."""

    codes: list[str]


class KnownMistake(msgspec.Struct, frozen=True):
    """The description of a mistake, and the fingerprints of its variants."""

    code: str
    explanation: str
    remedy: str
    fingerprints: list[Fingerprint] = msgspec.field(name="signatures")


class KnownMistakes(msgspec.Struct, frozen=True):
    """The value of `mistakes` in the extractor's metadata."""

    right: Fingerprint
    single: list[KnownMistake]
    pairs: list[PairFingerprint]

    def fingerprints(self) -> Iterator[tuple[tuple[str, ...], Fingerprint]]:
        """Yields codes and fingerprint of each computation; the right one first, without codes."""
        yield (), self.right
        for mistake in self.single:
            for fingerprint in mistake.fingerprints:
                yield (mistake.code,), fingerprint
        for pair in self.pairs:
            yield tuple(pair.codes), pair

    def check(self, n_mfcc: int) -> None:
        """Raises ValueError if a fingerprint is too long or a code has no explanation."""
        explained = {mistake.code for mistake in self.single}
        unexplained = {*OWN_CODES, *(code for codes, _ in self.fingerprints() for code in codes)}
        if unexplained := unexplained - explained:
            raise ValueError(f"no explanation of {min(unexplained)!r}")
        lengths = [len(fingerprint.mfccs) for _, fingerprint in self.fingerprints()]
        if lengths[0] != n_mfcc or not 1 <= min(lengths) <= max(lengths) <= n_mfcc:
            found = sorted(set(lengths))
            raise ValueError(f"signatures have {found} coefficients; expected at most {n_mfcc}")


@dataclass(frozen=True)
class Explanation:
    """The difference between a client's features and one fingerprint.

    codes: the mistakes of the fingerprint; empty for the right computation.
    """

    codes: tuple[str, ...]
    difference: float  # largest absolute difference of a coefficient
    tolerance: float
    gain_decibels: float | None = None  # that explains coefficient 0, if it is not compared
    excluded: bool = False  # by the number of frames, or because it needs too many mistakes

    @property
    def distance(self) -> float:
        """The difference in tolerances: a match is at most 1. Infinite if excluded."""
        return np.inf if self.excluded else self.difference / self.tolerance


@dataclass(frozen=True)
class Verdict:
    """The result of a verification, with its evidence."""

    outcome: Outcome
    mistakes: tuple[KnownMistake, ...]  # none, one or two
    right: Explanation
    nearest: Explanation
    runner_up: Explanation | None = None  # the nearest one without the mistakes of `nearest`


@dataclass(frozen=True)
class Verifier:
    """Compares a client's features with every fingerprint."""

    known: KnownMistakes

    def verify(self, mfccs: Float32) -> Verdict:
        """Verifies a vector (coefficients,) or frames (T, coefficients), finite, of any size."""
        verdict = self._judge(mfccs)
        if verdict.outcome == "unrecognised" and mfccs.ndim == 2:
            turned = self._judge(mfccs.T)
            if turned.outcome == "agreement":
                mistakes = self._mistakes((TRANSPOSED_FRAMES,))
                return Verdict("mistake", mistakes, turned.right, turned.nearest)
        return verdict

    def _judge(self, mfccs: Float32) -> Verdict:
        frames = len(mfccs) if mfccs.ndim == 2 else None
        vector = np.atleast_2d(mfccs).mean(axis=0, dtype=np.float64)
        explanations = self._exact(vector, frames)
        right = explanations[0]
        if min(item.distance for item in explanations) > 1:
            explanations += self._up_to_level(vector, frames)
        if len(vector) < FEWEST_COEFFICIENTS:
            return Verdict("unrecognised", (), right, right)
        return self._decide(right, explanations)

    def _decide(self, right: Explanation, explanations: Sequence[Explanation]) -> Verdict:
        ranked = sorted(explanations, key=lambda item: item.distance)
        matching = [item for item in ranked if item.distance <= 1]
        nearest = min(matching, key=lambda item: len(item.codes), default=ranked[0])
        # An explanation with the same mistakes and more does not compete with the nearest one.
        rivals = (item for item in ranked if not set(item.codes) >= set(nearest.codes))
        runner_up = next(rivals, None)
        if nearest is right and matching and not right.codes:
            return Verdict("agreement", (), right, nearest, runner_up)
        clear = runner_up is None or runner_up.distance >= CLEARANCE
        if matching and clear:
            mistakes = self._mistakes(nearest.codes)
            return Verdict("mistake", mistakes, right, nearest, runner_up)
        return Verdict("unrecognised", (), right, nearest, runner_up)

    def _exact(self, vector: Float64, frames: int | None) -> list[Explanation]:
        """One explanation for each fingerprint, the right computation first."""
        width = min(len(vector), self._vectors.shape[1])
        differences = np.nanmax(np.abs(self._vectors[:, :width] - vector[:width]), axis=1)
        return [
            _compared(codes, fingerprint, difference, len(vector), frames)
            for (codes, fingerprint), difference in zip(
                self._fingerprints, differences.tolist(), strict=True
            )
        ]

    def _up_to_level(self, vector: Float64, frames: int | None) -> list[Explanation]:
        """Explanations by a gain, which changes coefficient 0 and no other."""
        return [
            _without_level(codes, fingerprint, vector)
            for codes, fingerprint in self._fingerprints
            if fingerprint.gain_step is not None
            and INT16_SCALE not in codes
            and len(vector) == len(fingerprint.mfccs)
            and _frames_match(fingerprint, frames)
        ]

    def _mistakes(self, codes: tuple[str, ...]) -> tuple[KnownMistake, ...]:
        by_code = {mistake.code: mistake for mistake in self.known.single}
        return tuple(by_code[code] for code in codes)

    @cached_property
    def _fingerprints(self) -> list[tuple[tuple[str, ...], Fingerprint]]:
        return list(self.known.fingerprints())

    @cached_property
    def _vectors(self) -> Float64:
        """The MFCCs of all fingerprints (fingerprints, 25), padded with NaN."""
        vectors = np.full((len(self._fingerprints), len(self.known.right.mfccs)), np.nan)
        for row, (_, fingerprint) in zip(vectors, self._fingerprints, strict=True):
            row[: len(fingerprint.mfccs)] = fingerprint.mfccs
        return vectors


def _compared(
    codes: tuple[str, ...],
    fingerprint: Fingerprint,
    difference: float,
    coefficients: int,
    frames: int | None,
) -> Explanation:
    same_length = coefficients == len(fingerprint.mfccs)
    codes = codes if same_length else (*codes, NUMBER_OF_COEFFICIENTS)
    excluded = len(codes) > 2 or not _frames_match(fingerprint, frames)
    return Explanation(codes, difference, fingerprint.tolerance, excluded=excluded)


def _without_level(
    codes: tuple[str, ...], fingerprint: Fingerprint, vector: Float64
) -> Explanation:
    step = fingerprint.gain_step or np.inf
    differences = vector - np.asarray(fingerprint.mfccs)
    gain = float(differences[0]) / step
    is_int16 = abs(gain - INT16_GAIN) < SMALLEST_GAIN
    codes = (*codes, INT16_SCALE if is_int16 else AMPLITUDE_SCALE)
    largest = float(np.abs(differences[1:]).max())
    return Explanation(codes, largest, fingerprint.tolerance, gain, abs(gain) < SMALLEST_GAIN)


def _frames_match(fingerprint: Fingerprint, frames: int | None) -> bool:
    return frames is None or abs(frames - fingerprint.frames) <= FRAMES_TOLERANCE
