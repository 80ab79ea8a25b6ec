"""Bytes to arrays and predictions to bytes: the only room that knows JSON.

A body takes the fast way, one typed decoding and one packing into float32, which fails on whatever
is wrong with it. Only then is it read again, slowly, to tell the client what that was.
"""

import json
from struct import Struct as Packer
from struct import error as PackingError  # noqa: N812  # the standard library's name says nothing
from typing import Any, NoReturn

import msgspec
import numpy as np
from numpy.typing import NDArray

from server import problems
from server.models.mistakes import Explanation, Verdict
from server.models.registry import NetworkMetadata, Prediction

FLOAT32_MAXIMUM = float(np.finfo(np.float32).max)


class _Vector(msgspec.Struct):
    mfccs: list[float]


class _Frames(msgspec.Struct):
    mfccs: list[list[float]]


class _Result(msgspec.Struct, gc=False):  # PERF: never part of a cycle
    emotionType: str  # noqa: N815  # the name that published clients read
    prediction: float


class _Warning(msgspec.Struct):
    code: str
    detail: str
    distance: float
    limit: float


class _Answer(msgspec.Struct, omit_defaults=True):
    results: list[_Result]
    warning: _Warning | None = None


_OUTSIDE = (
    "These MFCCs lie outside what the network was trained on, so its answer cannot be trusted. "
    "POST /init/verification tells whether your features are computed as they should be."
)

_decode_vector = msgspec.json.Decoder(_Vector).decode
_decode_frames = msgspec.json.Decoder(_Frames).decode
_decode_anything = msgspec.json.Decoder(float_hook=float).decode
_encode = msgspec.json.Encoder().encode


class MfccDecoder:
    """Reads `{"mfccs": ...}` bodies with `n_mfcc` coefficients to a vector."""

    def __init__(self, n_mfcc: int) -> None:
        self._n_mfcc = n_mfcc
        # Little-endian standard mode: unlike the native one it refuses what float32 cannot hold.
        self._pack = Packer(f"<{n_mfcc}f").pack

    def __call__(self, body: bytes) -> NDArray[np.float32]:
        """Decodes one body.

        Returns:
            float32 (n_mfcc,) for one vector, float32 (T, n_mfcc) for T >= 1 frames.

        Raises:
            Problem: 400 where the body is no JSON, 422 where it holds no MFCCs.
        """
        try:
            if not body.isascii():
                body.decode()
            return self._vector(body)
        except (ValueError, PackingError, OverflowError, RecursionError):
            return self._frames_or_problem(body)

    def _vector(self, body: bytes) -> NDArray[np.float32]:
        return np.frombuffer(self._pack(*_decode_vector(body).mfccs), np.float32)

    def _frames_or_problem(self, body: bytes) -> NDArray[np.float32]:
        try:
            body.decode()
            rows = _decode_frames(body).mfccs
            packed = b"".join([self._pack(*row) for row in rows])
        except (ValueError, PackingError, OverflowError, RecursionError):
            self._explain(body)
        if not rows:
            self._explain(body)
        return np.frombuffer(packed, np.float32).reshape(-1, self._n_mfcc)

    def _explain(self, body: bytes) -> NoReturn:
        document = _parse(body)
        if not isinstance(document, dict):
            raise problems.invalid_features(
                f'Expected an object with a member "mfccs", got {_kind(document)}.', ""
            )
        if "mfccs" not in document:
            raise problems.invalid_features('The member "mfccs" is missing.', "")
        self._explain_mfccs(document["mfccs"])
        raise problems.invalid_features(f"{self._expected()}.", "/mfccs")

    def _explain_mfccs(self, mfccs: Any) -> None:
        pointer = "/mfccs"
        if not isinstance(mfccs, list):
            raise problems.invalid_features(f"{self._expected()}, got {_kind(mfccs)}.", pointer)
        if not mfccs or not isinstance(mfccs[0], list):
            self._explain_vector(mfccs, pointer)
            return
        for index, row in enumerate(mfccs):
            row_pointer = f"{pointer}/{index}"
            if not isinstance(row, list):
                detail = f"Frame 0 is a list, frame {index} is {_kind(row)}; expected a list."
                raise problems.invalid_features(detail, row_pointer)
            self._explain_vector(row, row_pointer)

    def _explain_vector(self, values: list[Any], pointer: str) -> None:
        for index, value in enumerate(values):
            if isinstance(value, bool) or not isinstance(value, int | float):
                detail = f"Expected a number, got {_kind(value)}."
                raise problems.invalid_features(detail, f"{pointer}/{index}")
            if not abs(value) <= FLOAT32_MAXIMUM:
                detail = "Expected a number that float32 can hold, at most 3.4028235e38 in size."
                raise problems.invalid_features(detail, f"{pointer}/{index}")
        if len(values) != self._n_mfcc:
            detail = f"Wrong number of coefficients: expected {self._n_mfcc}, got {len(values)}."
            raise problems.invalid_features(detail, pointer)

    def _expected(self) -> str:
        return f"Expected a list of {self._n_mfcc} numbers or a list of such lists"


def decode_any_width(body: bytes, n_mfcc: int) -> NDArray[np.float32]:
    """Decodes MFCCs of any number of coefficients, `n_mfcc` where it cannot be told.

    Returns and raises what MfccDecoder does, with the length of the first row as expected width.
    """
    document = _parse(body)
    mfccs = document.get("mfccs") if isinstance(document, dict) else None
    row = mfccs[0] if isinstance(mfccs, list) and mfccs and isinstance(mfccs[0], list) else mfccs
    width = len(row) if isinstance(row, list) and row else n_mfcc
    return MfccDecoder(width)(body)


def _parse(body: bytes) -> Any:
    """Reads any JSON text; numbers out of range become infinite."""
    try:
        body.decode()
        return _decode_anything(body)
    except UnicodeDecodeError as error:
        raise problems.malformed_json(f"invalid UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise problems.malformed_json("it is nested too deeply") from None
    except msgspec.ValidationError:
        return _parse_huge_integers(body)
    except msgspec.DecodeError as error:
        raise problems.malformed_json(str(error).rstrip(".").lower()) from None


def _parse_huge_integers(body: bytes) -> Any:
    """Reads integers of thousands of digits too, which msgspec leaves unread; they are infinite."""
    try:
        return json.loads(body, parse_int=float, parse_constant=_refuse_constant)
    except RecursionError:
        raise problems.malformed_json("it is nested too deeply") from None
    except ValueError as error:
        raise problems.malformed_json(str(error).lower()) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _kind(value: Any) -> str:
    """The name that JSON has for the kind of a value."""
    if isinstance(value, bool):
        return "a boolean"
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number"}
    return names[type(value)]


def encode_prediction(metadata: NetworkMetadata, prediction: Prediction) -> bytes:
    """Writes an answer; the results keep the order of the labels, which is alphabetical.

    The answer carries a warning where the input lies farther from the training distribution than
    the utterances of unseen speakers do.
    """
    answer = _Answer(list(map(_Result, metadata.labels, prediction.probabilities)))
    if prediction.distance > metadata.distance_limit:
        answer.warning = _Warning(
            "outside-training-distribution", _OUTSIDE, prediction.distance, metadata.distance_limit
        )
    return _encode(answer)


class _MistakeAnswer(msgspec.Struct):
    code: str
    explanation: str
    remedy: str


class _Evidence(msgspec.Struct, omit_defaults=True, rename="camel"):
    codes: tuple[str, ...]
    difference: float | None  # null: the number of coefficients or frames does not fit
    tolerance: float
    gain_decibels: float | None = None


class _VerdictAnswer(msgspec.Struct, rename="camel"):
    verdict: str
    detail: str
    mistakes: list[_MistakeAnswer]
    right: _Evidence
    nearest: _Evidence
    runner_up: _Evidence | None


def encode_verdict(verdict: Verdict) -> bytes:
    """Writes what a verification found, in words and in numbers."""
    runner_up = verdict.runner_up
    return _encode(
        _VerdictAnswer(
            verdict.outcome,
            _in_words(verdict),
            [_MistakeAnswer(m.code, m.explanation, m.remedy) for m in verdict.mistakes],
            _evidence(verdict.right),
            _evidence(verdict.nearest),
            _evidence(runner_up) if runner_up else None,
        )
    )


def _in_words(verdict: Verdict) -> str:
    right = verdict.right
    size = (
        "do not have the reference's number of coefficients or frames"
        if right.excluded
        else f"differ from the reference by up to {right.difference:.4g}"
    )
    if verdict.outcome == "agreement":
        return f"The features agree: they {size}, and {right.tolerance:.4g} is allowed."
    if verdict.outcome == "mistake":
        found = " ".join(f"{m.explanation} {m.remedy}" for m in verdict.mistakes)
        return f"The features {size}. {found}"
    return (
        f"The features {size}, and look like no known mistake. The extractor at /init/mfcc.onnx "
        "computes them as they should be."
    )


def _evidence(explanation: Explanation) -> _Evidence:
    return _Evidence(
        explanation.codes,
        None if explanation.excluded else explanation.difference,
        explanation.tolerance,
        explanation.gain_decibels,
    )
