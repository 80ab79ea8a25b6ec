"""JSON bodies of `POST /prediction`: reads MFCCs, writes predictions.

The decoder first takes a fast path: one typed decoding and one packing into float32. Only if that
fails does it read the body a second time, slowly, to find the first invalid value. A body that has
more values than MFCCs can have is never decoded whole; see docs/decisions/hostile-bodies.md.
"""

import json
from math import inf
from struct import Struct as Packer
from struct import error as PackingError  # noqa: N812  # the standard library's name says nothing
from typing import Any, NoReturn

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.codecs.json_start import first_elements
from server.models.network import NetworkMetadata
from server.models.predictors import Prediction
from server.problems import messages
from server.problems.documents import Problem, malformed_json, shortened

FLOAT32_MAXIMUM = float(np.finfo(np.float32).max)
ALWAYS_DECODED = 4_096  # bytes; the values of a longer body are counted first
OTHER_VALUES = 100  # besides the MFCCs, in a longer body
CASE_BIT = ord("[") ^ ord("{")
NUMBERS = {int, float}


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


class _PredictionBody(msgspec.Struct, omit_defaults=True):
    results: list[_Result]
    warning: _Warning | None = None


_decode_vector = msgspec.json.Decoder(_Vector).decode
_decode_frames = msgspec.json.Decoder(_Frames).decode
_decode_anything = msgspec.json.Decoder(float_hook=float).decode
_encode = msgspec.json.Encoder().encode


class MfccDecoder:
    """Reads `{"mfccs": ...}` bodies, with `n_mfcc` coefficients in each vector."""

    def __init__(self, n_mfcc: int, maximum_frames: int) -> None:
        self._n_mfcc = n_mfcc
        self._maximum_frames = maximum_frames
        # NOTE: the standard mode raises for numbers outside float32; the native mode does not.
        self._pack = Packer(f"<{n_mfcc}f").pack

    def __call__(self, body: bytes) -> NDArray[np.float32]:
        """Decodes one body.

        Returns:
            float32 (n_mfcc,) for one vector, float32 (T, n_mfcc) for T >= 1 frames.

        Raises:
            Problem: 400 if the body is not JSON, 422 if it has no valid MFCCs.
        """
        if len(body) > ALWAYS_DECODED and _is_too_much(body, self._n_mfcc, self._maximum_frames):
            self._explain_start(body)
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
        if len(rows) > self._maximum_frames:
            self._refuse_size()
        return np.frombuffer(packed, np.float32).reshape(-1, self._n_mfcc)

    def _explain_start(self, body: bytes) -> NoReturn:
        """Raises the first problem at the start of a body that holds too many values."""
        start = _parse(first_elements(body))
        mfccs = start.get("mfccs") if isinstance(start, dict) else None
        if mfccs and isinstance(mfccs, list):
            if isinstance(mfccs[0], list):
                self._explain_mfccs(mfccs)
            else:
                self._explain_numbers(mfccs, "/mfccs")
        self._refuse_size()

    def _refuse_size(self) -> NoReturn:
        raise Problem(
            messages.TOO_MANY_FRAMES,
            {"pointer": "/mfccs"},
            maximum=self._maximum_frames,
            n_mfcc=self._n_mfcc,
        )

    def _explain(self, body: bytes) -> NoReturn:
        """Raises the problem of a body that the fast path could not read."""
        document = _parse(body)
        if not isinstance(document, dict):
            raise Problem(messages.NO_OBJECT, {"pointer": ""}, found=_json_type(document))
        if "mfccs" not in document:
            raise Problem(messages.NO_MFCCS, {"pointer": ""})
        self._explain_mfccs(document["mfccs"])
        # Only the last member "mfccs" of a repeated one is valid.
        raise Problem(messages.NO_MFCC_LISTS, {"pointer": "/mfccs"}, n_mfcc=self._n_mfcc)

    def _explain_mfccs(self, mfccs: Any) -> None:
        if not isinstance(mfccs, list):
            raise Problem(
                messages.NO_LIST,
                {"pointer": "/mfccs"},
                n_mfcc=self._n_mfcc,
                found=_json_type(mfccs),
            )
        if not mfccs or not isinstance(mfccs[0], list):
            self._explain_vector(mfccs, "/mfccs")
            return
        for index, row in enumerate(mfccs):
            pointer = f"/mfccs/{index}"
            if not isinstance(row, list):
                raise Problem(
                    messages.NO_FRAME, {"pointer": pointer}, index=index, found=_json_type(row)
                )
            self._explain_vector(row, pointer)

    def _explain_vector(self, values: list[Any], pointer: str) -> None:
        self._explain_numbers(values, pointer)
        if len(values) != self._n_mfcc:
            raise Problem(
                messages.WRONG_WIDTH, {"pointer": pointer}, n_mfcc=self._n_mfcc, found=len(values)
            )

    def _explain_numbers(self, values: list[Any], pointer: str) -> None:
        if set(map(type, values)) <= NUMBERS and _largest(values) <= FLOAT32_MAXIMUM:
            return
        for index, value in enumerate(values):
            place = f"{pointer}/{index}"
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Problem(messages.NO_NUMBER, {"pointer": place}, found=_json_type(value))
            if not abs(value) <= FLOAT32_MAXIMUM:
                is_infinite = value in (inf, -inf)  # JSON has numbers beyond float64
                found = "a number outside it" if is_infinite else shortened(value)
                raise Problem(messages.NO_FLOAT32, {"pointer": place}, found=found)


def decode_any_width(body: bytes, n_mfcc: int, maximum_frames: int) -> NDArray[np.float32]:
    """Decodes MFCCs with any number of coefficients; all vectors must have the same.

    The expected number is the length of the first row, or `n_mfcc` if there is no such row. There
    may be as many numbers as in `maximum_frames` vectors of `n_mfcc`.
    Returns and raises the same as MfccDecoder.
    """
    is_too_much = len(body) > ALWAYS_DECODED and _is_too_much(body, n_mfcc, maximum_frames)
    document = _parse(first_elements(body) if is_too_much else body)
    mfccs = document.get("mfccs") if isinstance(document, dict) else None
    row = mfccs[0] if isinstance(mfccs, list) and mfccs and isinstance(mfccs[0], list) else mfccs
    width = len(row) if isinstance(row, list) and row else n_mfcc
    fitting = max(1, maximum_frames * n_mfcc // width)
    return MfccDecoder(width, min(maximum_frames, fitting))(body)


def _is_too_much(body: bytes, n_mfcc: int, maximum_frames: int) -> bool:
    """Whether the body has more lists, objects or commas than `maximum_frames` frames have."""
    text = np.frombuffer(body, np.uint8)  # PERF: counting is five times as fast as bytes.count
    opening = text | CASE_BIT == ord("{")  # an opening bracket or brace
    if np.count_nonzero(opening) - OTHER_VALUES > maximum_frames:
        return True
    most_commas = maximum_frames * n_mfcc + OTHER_VALUES
    return len(body) > most_commas and int(np.count_nonzero(text == ord(","))) > most_commas


def _largest(values: list[float]) -> float:
    return max(map(abs, values), default=0.0)


def _parse(body: bytes) -> Any:
    """Reads any JSON text; numbers out of range become infinite."""
    try:
        body.decode()
        return _decode_anything(body)
    except msgspec.ValidationError:
        return _parse_huge_integers(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed_json(error) from None


def _parse_huge_integers(body: bytes) -> Any:
    """Reads JSON with integers of thousands of digits, which msgspec rejects, as infinite."""
    try:
        return json.loads(body, parse_int=float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise malformed_json(error) from None


def _refuse_constant(name: str) -> NoReturn:
    raise Problem(messages.NOT_A_JSON_NUMBER, name=name)


def _json_type(value: Any) -> str:
    return messages.JSON_TYPES[type(value)]


def encode_prediction(metadata: NetworkMetadata, prediction: Prediction) -> bytes:
    """Writes a response; the results keep the order of the labels, which is alphabetical.

    The response has a warning if the distance of the input from the training distribution is above
    the network's limit.
    """
    body = _PredictionBody(list(map(_Result, metadata.labels, prediction.probabilities)))
    if prediction.distance > metadata.distance_limit:
        body.warning = _Warning(
            messages.OUTSIDE_TRAINING,
            messages.OUTSIDE_TRAINING_DISTRIBUTION,
            prediction.distance,
            metadata.distance_limit,
        )
    return _encode(body)
