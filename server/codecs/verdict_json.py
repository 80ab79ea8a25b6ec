"""Writes the verdicts of `POST /init/verification` as JSON."""

import msgspec
from msgspec import UNSET, UnsetType

from server.models.contract.mistakes import Explanation, Verdict
from server.models.contract.prosody_mistakes import (
    LEVEL_TOLERANCE,
    PITCH_TOLERANCE,
    ProsodyVerdict,
)
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


class _ProsodyEvidence(msgspec.Struct, omit_defaults=True, rename="camel"):
    rows: int
    expected_rows: int
    voiced_in_both: float  # share of the reference's voiced frames
    level_difference: float
    level_tolerance: float
    pitch_tolerance: float
    pitch_difference: float | UnsetType = UNSET  # unset: no frame is voiced in both
    octave_low_share: float | UnsetType = UNSET
    octave_high_share: float | UnsetType = UNSET
    unvoiced_value: float | UnsetType = UNSET  # unset: unvoiced frames have different values


class _ProsodyBody(msgspec.Struct):
    verdict: str
    detail: str
    mistakes: list[_Mistake]
    evidence: _ProsodyEvidence


class _VerdictBody(msgspec.Struct, rename="camel"):
    verdict: str
    detail: str
    mistakes: list[_Mistake]
    right: _Evidence
    nearest: _Evidence
    runner_up: _Evidence | None
    prosody: _ProsodyBody | UnsetType = UNSET


def encode_verdict(
    verdict: Verdict, prosody: ProsodyVerdict | None = None, *, of_recording: bool = False
) -> bytes:
    """Writes a verdict, with its explanation in words and its evidence in numbers.

    prosody: the verdict about prosody, if the client sent it.
    of_recording: whether the clip needs another extractor than that of version 1.
    """
    runner_up = verdict.runner_up
    return _encode(
        _VerdictBody(
            verdict.outcome,
            _detail(verdict, of_recording=of_recording),
            [_Mistake(m.code, m.explanation, m.remedy) for m in verdict.mistakes],
            _evidence(verdict.right),
            _evidence(verdict.nearest),
            _evidence(runner_up) if runner_up else None,
            _prosody(prosody) if prosody else UNSET,
        )
    )


def _detail(verdict: Verdict, *, of_recording: bool) -> str:
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
    if of_recording:
        return messages.RECORDING_FEATURES_UNRECOGNISED.format(deviation=deviation)
    return messages.FEATURES_UNRECOGNISED.format(deviation=deviation)


def _evidence(explanation: Explanation) -> _Evidence:
    return _Evidence(
        explanation.codes,
        None if explanation.excluded else explanation.difference,
        explanation.tolerance,
        explanation.gain_decibels,
    )


def _prosody(verdict: ProsodyVerdict) -> _ProsodyBody:
    pitch = verdict.pitch
    values = {
        "hertz": verdict.reference_hertz,
        "low": pitch.low,
        "high": pitch.high,
        "rows": verdict.rows,
        "expected_rows": verdict.expected_rows,
        "level": verdict.level.difference,
    }
    texts = ((code, messages.PROSODY_MISTAKES[code]) for code in verdict.codes)
    mistakes = [
        _Mistake(code, text.explanation.format(**values), text.remedy.format(**values))
        for code, text in texts
    ]
    detail = _prosody_detail(verdict, mistakes, values)
    return _ProsodyBody(verdict.outcome, detail, mistakes, _prosody_evidence(verdict))


def _prosody_detail(
    verdict: ProsodyVerdict, mistakes: list[_Mistake], values: dict[str, float]
) -> str:
    if verdict.outcome == "agreement":
        return messages.PROSODY_AGREES.format(
            pitch=verdict.pitch.difference,
            level=verdict.level.difference,
            pitch_tolerance=PITCH_TOLERANCE,
            level_tolerance=LEVEL_TOLERANCE,
        )
    found = [messages.PROSODY_DEVIATIONS[name].format(**values) for name in verdict.differs_in]
    deviations = " and ".join(filter(None, [", ".join(found[:-1]), *found[-1:]]))
    if verdict.outcome == "unrecognised":
        return messages.PROSODY_UNRECOGNISED.format(deviations=deviations)
    explanations = " ".join(f"{mistake.explanation} {mistake.remedy}" for mistake in mistakes)
    form = messages.PROSODY_MISTAKEN_AND_DIFFERENT if deviations else messages.PROSODY_MISTAKEN
    return form.format(explanations=explanations, deviations=deviations)


def _prosody_evidence(verdict: ProsodyVerdict) -> _ProsodyEvidence:
    pitch = verdict.pitch
    evidence = _ProsodyEvidence(
        verdict.rows,
        verdict.expected_rows,
        pitch.common,
        verdict.level.difference,
        LEVEL_TOLERANCE,
        PITCH_TOLERANCE,
    )
    if pitch.common:
        evidence.pitch_difference = pitch.difference
        evidence.octave_low_share, evidence.octave_high_share = pitch.low, pitch.high
    if pitch.unvoiced_value is not None:
        evidence.unvoiced_value = pitch.unvoiced_value
    return evidence
