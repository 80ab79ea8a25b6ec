"""Writes the verdicts of `POST /init/verification` as JSON."""

import msgspec

from server.models.mistakes import Explanation, Verdict
from server.problems import messages

_encode = msgspec.json.Encoder().encode


class _Mistake(msgspec.Struct):
    code: str
    explanation: str
    remedy: str


class _Evidence(msgspec.Struct, omit_defaults=True, rename="camel"):
    codes: tuple[str, ...]
    difference: float | None  # null: the number of coefficients or frames does not fit
    tolerance: float
    gain_decibels: float | None = None


class _VerdictBody(msgspec.Struct, rename="camel"):
    verdict: str
    detail: str
    mistakes: list[_Mistake]
    right: _Evidence
    nearest: _Evidence
    runner_up: _Evidence | None


def encode_verdict(verdict: Verdict) -> bytes:
    """Writes a verdict, with its explanation in words and its evidence in numbers."""
    runner_up = verdict.runner_up
    return _encode(
        _VerdictBody(
            verdict.outcome,
            _detail(verdict),
            [_Mistake(m.code, m.explanation, m.remedy) for m in verdict.mistakes],
            _evidence(verdict.right),
            _evidence(verdict.nearest),
            _evidence(runner_up) if runner_up else None,
        )
    )


def _detail(verdict: Verdict) -> str:
    right = verdict.right
    if verdict.outcome == "agreement":
        return messages.FEATURES_AGREE.format(
            difference=right.difference, tolerance=right.tolerance
        )
    deviation = messages.WRONG_SIZE if right.excluded else messages.DIFFERENT
    deviation = deviation.format(difference=right.difference)
    if verdict.outcome == "mistake":
        explanations = " ".join(f"{m.explanation} {m.remedy}" for m in verdict.mistakes)
        return messages.FEATURES_MISTAKEN.format(deviation=deviation, explanations=explanations)
    return messages.FEATURES_UNRECOGNISED.format(deviation=deviation)


def _evidence(explanation: Explanation) -> _Evidence:
    return _Evidence(
        explanation.codes,
        None if explanation.excluded else explanation.difference,
        explanation.tolerance,
        explanation.gain_decibels,
    )
