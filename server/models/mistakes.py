"""Which known mistake the features look like that a client computed from the reference clip.

Signatures of the mistakes were measured when the extractor was built and came with it, each with a
tolerance. A mistake is named only where its signature fits and no other explanation is near.
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

CLEARANCE = 1.5  # tolerances that every other explanation must be away
FEWEST_COEFFICIENTS = 8  # a vector of fewer is not evidence enough
FRAMES_TOLERANCE = 1

NUMBER_OF_COEFFICIENTS = "number-of-coefficients"
AMPLITUDE_SCALE = "amplitude-scale"
TRANSPOSED_FRAMES = "transposed-frames"
INT16_SCALE = "samples-not-scaled"
OWN_CODES = (NUMBER_OF_COEFFICIENTS, AMPLITUDE_SCALE, TRANSPOSED_FRAMES, INT16_SCALE)
INT16_GAIN = 20 * np.log10(32_768)  # dB
SMALLEST_GAIN = 0.5  # dB; less may be anything


class Signature(msgspec.Struct, frozen=True, rename="camel"):
    """What a way of computing makes of the reference clip."""

    mfccs: list[float]
    frames: int
    tolerance: Annotated[float, Meta(gt=0)]  # largest absolute difference of a coefficient
    gain_step: float | None = None  # of coefficient 0 for 1 dB, where a gain changes no other


class PairSignature(Signature, frozen=True, rename="camel", kw_only=True):
    """The same for two mistakes at once."""

    codes: list[str]


class KnownMistake(msgspec.Struct, frozen=True):
    """A mistake in words, and the ways in which it is made."""

    code: str
    explanation: str
    remedy: str
    signatures: list[Signature]


class KnownMistakes(msgspec.Struct, frozen=True):
    """What `mistakes` in the extractor's metadata holds."""

    right: Signature
    single: list[KnownMistake]
    pairs: list[PairSignature]

    def signatures(self) -> Iterator[tuple[tuple[str, ...], Signature]]:
        """Codes and signature of each way of computing; first the right one, without codes."""
        yield (), self.right
        for mistake in self.single:
            for signature in mistake.signatures:
                yield (mistake.code,), signature
        for pair in self.pairs:
            yield tuple(pair.codes), pair

    def check(self, n_mfcc: int) -> None:
        """Raises ValueError where a signature is too long or a code has no explanation."""
        explained = {mistake.code for mistake in self.single}
        unexplained = {*OWN_CODES, *(code for codes, _ in self.signatures() for code in codes)}
        if unexplained := unexplained - explained:
            raise ValueError(f"no explanation of {min(unexplained)!r}")
        lengths = [len(signature.mfccs) for _, signature in self.signatures()]
        if lengths[0] != n_mfcc or not 1 <= min(lengths) <= max(lengths) <= n_mfcc:
            raise ValueError(f"signatures of {sorted(set(lengths))} coefficients; at most {n_mfcc}")


@dataclass(frozen=True)
class Explanation:
    """How far what was sent is from one way of computing; no codes: from the right one."""

    codes: tuple[str, ...]
    difference: float  # largest absolute difference of a coefficient
    tolerance: float
    gain_decibels: float | None = None  # that makes up for coefficient 0, if it is left out
    excluded: bool = False  # by the number of frames, or as more than is ever named

    @property
    def distance(self) -> float:
        """The difference in tolerances: up to 1 is a fit. Infinite where that is excluded."""
        return np.inf if self.excluded else self.difference / self.tolerance


@dataclass(frozen=True)
class Verdict:
    """The answer to a client, with its evidence."""

    outcome: Outcome
    mistakes: tuple[KnownMistake, ...]  # none, one or two
    right: Explanation
    nearest: Explanation
    runner_up: Explanation | None  # the nearest that the mistakes named are no part of


@dataclass(frozen=True)
class Verifier:
    """Compares what a client sends with the right answer and with every signature."""

    known: KnownMistakes

    def verify(self, mfccs: Float32) -> Verdict:
        """Judges a vector (coefficients,) or frames (T, coefficients), finite, of any size."""
        verdict = self._judge(mfccs)
        if verdict.outcome == "unrecognised" and mfccs.ndim == 2:
            turned = self._judge(mfccs.T)
            if turned.outcome == "agreement":
                return self._verdict("mistake", (TRANSPOSED_FRAMES,), turned.right, turned.nearest)
        return verdict

    def _judge(self, mfccs: Float32) -> Verdict:
        frames = len(mfccs) if mfccs.ndim == 2 else None
        vector = np.atleast_2d(mfccs).mean(axis=0, dtype=np.float64)
        explanations = self._exact(vector, frames)
        right = explanations[0]
        if min(item.distance for item in explanations) > 1:
            explanations += self._up_to_level(vector, frames)
        if len(vector) < FEWEST_COEFFICIENTS:
            return self._verdict("unrecognised", (), right, right)
        return self._decide(right, explanations)

    def _decide(self, right: Explanation, explanations: Sequence[Explanation]) -> Verdict:
        ranked = sorted(explanations, key=lambda item: item.distance)
        fitting = [item for item in ranked if item.distance <= 1]
        nearest = min(fitting, key=lambda item: len(item.codes), default=ranked[0])
        # Whoever makes the same mistakes and one more is no rival.
        rivals = (item for item in ranked if not set(item.codes) >= set(nearest.codes))
        runner_up = next(rivals, None)
        if nearest is right and fitting and not right.codes:
            return self._verdict("agreement", (), right, nearest, runner_up)
        clear = runner_up is None or runner_up.distance >= CLEARANCE
        if fitting and clear:
            return self._verdict("mistake", nearest.codes, right, nearest, runner_up)
        return self._verdict("unrecognised", (), right, nearest, runner_up)

    def _exact(self, vector: Float64, frames: int | None) -> list[Explanation]:
        """One explanation for each signature, the right answer first."""
        width = min(len(vector), self._vectors.shape[1])
        differences = np.nanmax(np.abs(self._vectors[:, :width] - vector[:width]), axis=1)
        return [
            _compared(codes, signature, difference, len(vector), frames)
            for (codes, signature), difference in zip(
                self._signatures, differences.tolist(), strict=True
            )
        ]

    def _up_to_level(self, vector: Float64, frames: int | None) -> list[Explanation]:
        """Explanations in which a gain makes up for coefficient 0, the only one it changes."""
        return [
            _without_level(codes, signature, vector)
            for codes, signature in self._signatures
            if signature.gain_step is not None
            and INT16_SCALE not in codes
            and len(vector) == len(signature.mfccs)
            and _fits_frames(signature, frames)
        ]

    def _verdict(
        self,
        outcome: Outcome,
        codes: tuple[str, ...],
        right: Explanation,
        nearest: Explanation,
        runner_up: Explanation | None = None,
    ) -> Verdict:
        by_code = {mistake.code: mistake for mistake in self.known.single}
        mistakes = tuple(by_code[code] for code in codes)
        return Verdict(outcome, mistakes, right, nearest, runner_up)

    @cached_property
    def _signatures(self) -> list[tuple[tuple[str, ...], Signature]]:
        return list(self.known.signatures())

    @cached_property
    def _vectors(self) -> Float64:
        """All signatures (signatures, 25), padded with NaN."""
        vectors = np.full((len(self._signatures), len(self.known.right.mfccs)), np.nan)
        for row, (_, signature) in zip(vectors, self._signatures, strict=True):
            row[: len(signature.mfccs)] = signature.mfccs
        return vectors


def _compared(
    codes: tuple[str, ...],
    signature: Signature,
    difference: float,
    coefficients: int,
    frames: int | None,
) -> Explanation:
    counted = coefficients == len(signature.mfccs)
    codes = codes if counted else (*codes, NUMBER_OF_COEFFICIENTS)
    excluded = len(codes) > 2 or not _fits_frames(signature, frames)
    return Explanation(codes, difference, signature.tolerance, excluded=excluded)


def _without_level(codes: tuple[str, ...], signature: Signature, vector: Float64) -> Explanation:
    step = signature.gain_step or np.inf
    differences = vector - np.asarray(signature.mfccs)
    gain = float(differences[0]) / step
    is_int16 = abs(gain - INT16_GAIN) < SMALLEST_GAIN
    codes = (*codes, INT16_SCALE if is_int16 else AMPLITUDE_SCALE)
    largest = float(np.abs(differences[1:]).max())
    return Explanation(codes, largest, signature.tolerance, gain, abs(gain) < SMALLEST_GAIN)


def _fits_frames(signature: Signature, frames: int | None) -> bool:
    return frames is None or abs(frames - signature.frames) <= FRAMES_TOLERANCE
