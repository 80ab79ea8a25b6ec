"""What a server answers, checked, as dataclasses."""

import sys
from dataclasses import dataclass
from typing import Any, Literal

from speech_emotion import untrusted
from speech_emotion.contract import NetworkDescription
from speech_emotion.extraction.features import Features
from speech_emotion.results.finding import Finding, finding_of

SUM_TOLERANCE = 0.01  # of the probabilities
LARGEST_DISTANCE = sys.float_info.max


@dataclass(frozen=True)
class InputWarning:
    """The input is foreign to the network, or the baseline is that of another voice.

    Do not rely on the prediction.
    """

    code: str
    detail: str
    distance: float
    limit: float


@dataclass(frozen=True)
class Prediction:
    """The emotion probabilities of one recording, or of one window of it."""

    network: str
    start: float  # seconds after the recording's beginning
    end: float
    probabilities: dict[str, float]  # by emotion, in alphabetical order; they sum to 1
    warning: InputWarning | None
    finding: Finding | None = None  # why the emotion is not to be believed

    @property
    def emotion(self) -> str:
        """The most probable emotion."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def probability(self) -> float:
        """The probability of the most probable emotion, 0 to 1."""
        return self.probabilities[self.emotion]


@dataclass(frozen=True)
class Verification:
    """The server's verdict on the features that this machine computed from a reference clip."""

    form: Literal["vector", "frames", "prosody"]
    verdict: str  # "agreement", "mistake" or "unrecognised"
    detail: str
    reference: str = "reference"  # the name of the clip

    @property
    def agrees(self) -> bool:
        """Whether the features agree with the server's, so that predictions are reliable."""
        return self.verdict == "agreement"


def prediction(
    answer: dict[str, Any], network: NetworkDescription, features: Features
) -> Prediction:
    """The prediction in an answer; raises KeyError, TypeError, ValueError, AttributeError."""
    results = untrusted.items(answer["results"], _result)
    probabilities = dict(results)
    # SECURITY: the emotions are those of the handshake; their names have been checked.
    if len(results) != len(probabilities) or set(probabilities) != set(network.emotions):
        raise ValueError(f"{untrusted.shown(list(probabilities))} are not the network's emotions")
    total = sum(probabilities.values())
    if abs(total - 1) > SUM_TOLERANCE:
        raise ValueError(f"the probabilities sum to {total:g}")
    found = answer.get("warning")
    warning = None if found is None else _warning(found)
    return Prediction(
        network.name,
        features.start,
        features.end,
        probabilities,
        warning,
        finding_of(features, warning.code if warning else None),
    )


def verifications(
    answer: dict[str, Any], form: Literal["vector", "frames"], reference: str, *, with_prosody: bool
) -> list[Verification]:
    """The verdicts in an answer, on prosody too if it was sent; raises KeyError and so on."""
    found = [_verification(answer, form, reference)]
    if with_prosody:
        found.append(_verification(answer["prosody"], "prosody", reference))
    return found


def _verification(
    answer: dict[str, Any], form: Literal["vector", "frames", "prosody"], reference: str
) -> Verification:
    verdict, detail = untrusted.text(answer["verdict"]), untrusted.text(answer["detail"])
    return Verification(form, verdict, detail, reference)


def _result(result: dict[str, Any]) -> tuple[str, float]:
    return untrusted.text(result["emotionType"]), untrusted.number(result["prediction"], 0, 1)


def _warning(found: dict[str, Any]) -> InputWarning:
    return InputWarning(
        code=untrusted.text(found["code"]),
        detail=untrusted.text(found["detail"]),
        distance=untrusted.number(found["distance"], 0, LARGEST_DISTANCE),
        limit=untrusted.number(found["limit"], 0, LARGEST_DISTANCE),
    )
