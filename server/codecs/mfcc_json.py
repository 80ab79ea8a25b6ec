"""JSON bodies of `POST /prediction`: reads MFCCs, writes predictions.

The decoder first takes a fast path: a long body of frames is read by number_rows.py, another by one
typed decoding and one packing into float32. Only if these fail does it read the body once more,
slowly, to find the first invalid value. A body that has
more values than MFCCs can have is never decoded whole; see docs/decisions/hostile-bodies.md.
server/codecs/optional_members.py reads the members beside the MFCCs.
"""

from struct import Struct as Packer
from typing import Any, NoReturn

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.codecs.json_start import first_elements
from server.codecs.json_values import check_numbers, json_type, parse
from server.codecs.number_rows import count_lists, read_member_rows
from server.codecs.optional_members import (
    INVALID,
    NOT_GIVEN,
    MembersReader,
    Utterance,
    explain_start,
)
from server.models.contract.prosody_statistics import PROSODY_COLUMNS
from server.models.network import NetworkMetadata
from server.models.predictors import Prediction
from server.problems import messages
from server.problems.documents import Problem

ALWAYS_DECODED = 4_096  # bytes; the values of a longer body are counted first
OTHER_VALUES = 100  # besides the MFCCs and prosody, in a longer body
CASE_BIT = ord("[") ^ ord("{")
PROSODY = b'"prosody"'


class _Vector(msgspec.Struct):
    mfccs: list[float]
    prosody: msgspec.Raw = NOT_GIVEN
    baseline: msgspec.Raw = NOT_GIVEN


class _Frames(msgspec.Struct):
    mfccs: list[list[float]]
    prosody: msgspec.Raw = NOT_GIVEN
    baseline: msgspec.Raw = NOT_GIVEN


class _Members(msgspec.Struct):
    prosody: msgspec.Raw = NOT_GIVEN
    baseline: msgspec.Raw = NOT_GIVEN


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


NO_MEMBERS = _Members()

_decode_members = msgspec.json.Decoder(_Members).decode
_decode_vector = msgspec.json.Decoder(_Vector).decode
_decode_frames = msgspec.json.Decoder(_Frames).decode
_encode = msgspec.json.Encoder().encode


class MfccDecoder:
    """Reads `{"mfccs": ...}` bodies, with `n_mfcc` coefficients in each vector.

    members: reads the members beside `mfccs`; None: they are ignored.
    """

    def __init__(
        self, n_mfcc: int, maximum_frames: int, members: MembersReader | None = None
    ) -> None:
        self._n_mfcc = n_mfcc
        self._maximum_frames = maximum_frames
        self._members = members
        # NOTE: the standard mode raises for numbers outside float32; the native mode does not.
        self._pack = Packer(f"<{n_mfcc}f").pack

    def __call__(self, body: bytes) -> Utterance:
        """Decodes one body.

        Raises:
            Problem: 400 if the body is not JSON, 422 if it has no valid MFCCs, or a member beside
                them is not valid.
        """
        if len(body) > ALWAYS_DECODED and self._is_too_much(body):
            self._explain_start(body)
        try:
            if not body.isascii():
                body.decode()
            if len(body) > ALWAYS_DECODED and (utterance := self._frames(body)):
                return utterance
            return self._vector(body)
        except INVALID:
            return self._frames_or_problem(body)

    def _frames(self, body: bytes) -> Utterance | None:
        """The utterance in a body of frames; None if only the typed decoding can tell."""
        found = read_member_rows(body, "mfccs", self._n_mfcc)
        if found is None:
            return None
        document = _decode_members(body) if found.others else NO_MEMBERS
        members = {"prosody": document.prosody, "baseline": document.baseline}
        given = {name: raw for name, raw in members.items() if raw is not NOT_GIVEN}
        # Not so if a member is repeated or unknown, or a frame has a list in it.
        is_plain = sorted(found.others) == sorted(given) and found.outside == sum(
            count_lists(bytes(raw)) for raw in given.values()
        )
        return self._checked(found.rows, document) if is_plain else None

    def _vector(self, body: bytes) -> Utterance:
        document = _decode_vector(body)
        mfccs = np.frombuffer(self._pack(*document.mfccs), np.float32)
        if document.prosody is NOT_GIVEN and document.baseline is NOT_GIVEN:
            return Utterance(mfccs)
        return self._with_members(mfccs, document)

    def _frames_or_problem(self, body: bytes) -> Utterance:
        try:
            body.decode()
            document = _decode_frames(body)
            packed = b"".join([self._pack(*row) for row in document.mfccs])
            if not packed:
                self._explain(body)
            mfccs = np.frombuffer(packed, np.float32).reshape(-1, self._n_mfcc)
        except INVALID:
            self._explain(body)
        return self._checked(mfccs, document)

    def _checked(self, frames: NDArray[np.float32], document: _Frames | _Members) -> Utterance:
        if len(frames) > self._maximum_frames:
            self._refuse_size()
        return self._with_members(frames, document)

    def _with_members(
        self, mfccs: NDArray[np.float32], document: _Vector | _Frames | _Members
    ) -> Utterance:
        if self._members is None or document is NO_MEMBERS:
            return Utterance(mfccs)
        members = document.prosody, document.baseline
        try:
            return self._members.read(mfccs, *members)
        except INVALID:
            self._members.explain(mfccs, *members)
        # Each of repeated members must be valid, and only the last one was explained.
        raise Problem(messages.MEMBER_REPEATED, {"pointer": "/baseline"})

    def _is_too_much(self, body: bytes) -> bool:
        """Whether the body has more values than the largest valid one."""
        frames, width = self._maximum_frames, self._n_mfcc
        if not _has_more(body, frames, frames * width):
            return False
        if not self._may_have_prosody(body):
            return True
        return _has_more(body, 2 * frames, frames * (width + PROSODY_COLUMNS))

    def _may_have_prosody(self, body: bytes) -> bool:
        return self._members is not None and PROSODY in body

    def _explain_start(self, body: bytes) -> NoReturn:
        """Raises the first problem at the start of a body that holds too many values."""
        start = parse(first_elements(body))
        start = start if isinstance(start, dict) else {}
        mfccs = start.get("mfccs")
        if mfccs and isinstance(mfccs, list):
            if isinstance(mfccs[0], list):
                self._explain_mfccs(mfccs)
            else:
                check_numbers(mfccs, "/mfccs")
        if not self._may_have_prosody(body):
            self._refuse_size()
        explain_start(start.get("prosody"))
        raise Problem(
            messages.TOO_MANY_VALUES,
            {"pointer": ""},
            maximum=self._maximum_frames,
            n_mfcc=self._n_mfcc,
        )

    def _refuse_size(self) -> NoReturn:
        raise Problem(
            messages.TOO_MANY_FRAMES,
            {"pointer": "/mfccs"},
            maximum=self._maximum_frames,
            n_mfcc=self._n_mfcc,
        )

    def _explain(self, body: bytes) -> NoReturn:
        """Raises the problem of a body that the fast path could not read."""
        document = parse(body)
        if not isinstance(document, dict):
            raise Problem(messages.NO_OBJECT, {"pointer": ""}, found=json_type(document))
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
                found=json_type(mfccs),
            )
        if not mfccs or not isinstance(mfccs[0], list):
            self._explain_vector(mfccs, "/mfccs")
            return
        for index, row in enumerate(mfccs):
            pointer = f"/mfccs/{index}"
            if not isinstance(row, list):
                raise Problem(
                    messages.NO_FRAME, {"pointer": pointer}, index=index, found=json_type(row)
                )
            self._explain_vector(row, pointer)

    def _explain_vector(self, values: list[Any], pointer: str) -> None:
        check_numbers(values, pointer)
        if len(values) != self._n_mfcc:
            raise Problem(
                messages.WRONG_WIDTH, {"pointer": pointer}, n_mfcc=self._n_mfcc, found=len(values)
            )


def decode_any_width(
    body: bytes, n_mfcc: int, maximum_frames: int, members: MembersReader
) -> Utterance:
    """Decodes MFCCs with any number of coefficients; all vectors must have the same.

    The expected number is the length of the first row, or `n_mfcc` if there is no such row. There
    may be as many numbers as in `maximum_frames` vectors of `n_mfcc`. `members` reads those
    beside `mfccs`.

    Raises:
        Problem: as MfccDecoder.
    """
    is_too_much = len(body) > ALWAYS_DECODED and _has_more(
        body, maximum_frames, maximum_frames * n_mfcc
    )
    document = parse(first_elements(body) if is_too_much else body)
    mfccs = document.get("mfccs") if isinstance(document, dict) else None
    row = mfccs[0] if isinstance(mfccs, list) and mfccs and isinstance(mfccs[0], list) else mfccs
    width = len(row) if isinstance(row, list) and row else n_mfcc
    fitting = max(1, maximum_frames * n_mfcc // width)
    return MfccDecoder(width, min(maximum_frames, fitting), members)(body)


def _has_more(body: bytes, rows: int, numbers: int) -> bool:
    """Whether the body has more lists and objects than rows, or more commas than numbers."""
    text = np.frombuffer(body, np.uint8)  # PERF: counting is five times as fast as bytes.count
    opening = text | CASE_BIT == ord("{")  # an opening bracket or brace
    if np.count_nonzero(opening) - OTHER_VALUES > rows:
        return True
    most_commas = numbers + OTHER_VALUES
    return len(body) > most_commas and int(np.count_nonzero(text == ord(","))) > most_commas


def encode_prediction(metadata: NetworkMetadata, prediction: Prediction) -> bytes:
    """Writes a response; the results keep the order of the labels, which is alphabetical.

    The response has a warning if the distance of the input from the training distribution is above
    the network's limit, or else its distance from the baseline.
    """
    body = _PredictionBody(list(map(_Result, metadata.labels, prediction.probabilities)))
    if prediction.distance > metadata.distance_limit:
        body.warning = _Warning(
            messages.OUTSIDE_TRAINING,
            messages.OUTSIDE_TRAINING_DISTRIBUTION,
            prediction.distance,
            metadata.distance_limit,
        )
    elif prediction.baseline_distance > metadata.baseline_limit:
        body.warning = _Warning(
            messages.ANOTHER_VOICE,
            messages.BASELINE_OF_ANOTHER_VOICE,
            prediction.baseline_distance,
            metadata.baseline_limit,
        )
    return _encode(body)
