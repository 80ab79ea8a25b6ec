"""The members `prosody` and `baseline` of `POST /prediction`.

A reader first takes a fast path: typed decoding and packing into float32. Only if that fails does
it read a member a second time, slowly, to find the first invalid value.
"""

from collections.abc import Iterator, Sequence
from struct import Struct as Packer
from struct import error as PackingError  # noqa: N812  # the standard library's name says nothing
from typing import Annotated, Any, Protocol, TypeGuard

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType
from numpy.typing import NDArray

from server.codecs.json_values import check_number, check_numbers, json_type, parse
from server.codecs.open_inference.tensors import MOST_CLIPS
from server.codecs.prosody_ranges import COLUMNS, Range, out_of_range, statistics_ranges
from server.models.contract.prosody_statistics import MOST_STATISTICS, PROSODY_COLUMNS
from server.problems import messages
from server.problems.documents import Problem, shortened

LARGEST_BASELINE = 65_536  # bytes of its JSON
NOT_GIVEN = msgspec.Raw()
INVALID = (ValueError, PackingError, OverflowError, RecursionError)  # what the fast path raises

Array = NDArray[np.float32]


class Utterance(msgspec.Struct, frozen=True, gc=False):
    """What a body says of one utterance; PERF: a third of the cost of a named tuple."""

    mfccs: Array  # float32 (n_mfcc,) for one vector, float32 (T, n_mfcc) for T >= 1 frames
    prosody: Array | None = None  # float32 (P,) beside one vector, float32 (T, 3) beside frames
    baseline: Array | None = None  # float32 (2 n_mfcc + 7,)


class _Moments(msgspec.Struct):
    mean: list[float]
    spread: list[Annotated[float, Meta(ge=0)]]


class _Baseline(msgspec.Struct):
    clips: Annotated[float, Meta(ge=1, le=MOST_CLIPS)]
    mfccs: _Moments
    prosody: _Moments | UnsetType = UNSET


NO_PROSODY = _Moments([0.0] * PROSODY_COLUMNS, [0.0] * PROSODY_COLUMNS)

_decode_rows = msgspec.json.Decoder(list[list[float]]).decode
_decode_row = msgspec.json.Decoder(list[float]).decode
_decode_baseline = msgspec.json.Decoder(_Baseline).decode
_pack_row = Packer(f"<{PROSODY_COLUMNS}f").pack


class MembersReader(Protocol):
    """Reads the members beside `mfccs`."""

    def read(self, mfccs: Array, prosody: msgspec.Raw, baseline: msgspec.Raw) -> Utterance:
        """The members beside valid MFCCs; `NOT_GIVEN` stands for a missing one.

        Raises:
            Problem: 422, a baseline is too large.
            ValueError, struct.error, OverflowError, RecursionError: a member is not valid.
        """

    def explain(self, mfccs: Array, prosody: msgspec.Raw, baseline: msgspec.Raw) -> None:
        """Raises the first problem of members that could not be read."""


class OptionalMembersReader:
    """Reads prosody and baselines as one contract defines them.

    n_mfcc: the number of coefficients.
    statistics: the names of the prosody statistics; none: the contract has no prosody.
    """

    def __init__(self, n_mfcc: int, statistics: Sequence[str]) -> None:
        self._statistics = len(statistics)
        self._ranges = statistics_ranges(statistics)
        self._widths = {"mfccs": n_mfcc, "prosody": PROSODY_COLUMNS}
        self._pack_baseline = Packer(f"<{2 * (n_mfcc + PROSODY_COLUMNS) + 1}f").pack

    def read(self, mfccs: Array, prosody: msgspec.Raw, baseline: msgspec.Raw) -> Utterance:
        """See `MembersReader`."""
        if len(memoryview(baseline)) > LARGEST_BASELINE:
            pointer = {"pointer": "/baseline"}
            raise Problem(messages.BASELINE_TOO_LARGE, pointer, limit=LARGEST_BASELINE)
        utterance = Utterance(
            mfccs,
            None if prosody is NOT_GIVEN else self._prosody(mfccs, prosody),
            None if baseline is NOT_GIVEN else self._baseline(_decode_baseline(baseline)),
        )
        self._check_ranges(utterance)
        return utterance

    def _check_ranges(self, utterance: Utterance) -> None:
        if (prosody := utterance.prosody) is not None:
            _check_range(prosody, self._ranges if prosody.ndim == 1 else COLUMNS, "/prosody")
        if utterance.baseline is not None:
            means = utterance.baseline[self._widths["mfccs"] :][:PROSODY_COLUMNS]
            _check_range(means, COLUMNS, "/baseline/prosody/mean")

    def _prosody(self, mfccs: Array, prosody: msgspec.Raw) -> Array:
        if mfccs.ndim == 1:
            values = _decode_row(prosody)
            if not self._is_pooled_width(len(values)):
                raise ValueError
            return np.frombuffer(Packer(f"<{len(values)}f").pack(*values), np.float32)
        rows = decode_rows(prosody)
        if len(rows) != len(mfccs):
            raise ValueError
        return rows

    def _is_pooled_width(self, width: int) -> bool:
        return width == self._statistics if self._statistics else 0 < width <= MOST_STATISTICS

    def _baseline(self, baseline: _Baseline) -> Array:
        mfccs = baseline.mfccs
        prosody = NO_PROSODY if baseline.prosody is UNSET else baseline.prosody
        for moments, width in zip((mfccs, prosody), self._widths.values(), strict=True):
            if (len(moments.mean), len(moments.spread)) != (width, width):
                raise ValueError
        if not baseline.clips.is_integer():
            raise ValueError
        packed = self._pack_baseline(
            *mfccs.mean, *prosody.mean, *mfccs.spread, *prosody.spread, baseline.clips
        )
        return np.frombuffer(packed, np.float32)

    def explain(self, mfccs: Array, prosody: msgspec.Raw, baseline: msgspec.Raw) -> None:
        """See `MembersReader`."""
        if prosody is not NOT_GIVEN:
            self._explain_prosody(parse(bytes(prosody)), mfccs)
        if baseline is not NOT_GIVEN:
            self._explain_baseline(parse(bytes(baseline)))

    def _explain_prosody(self, prosody: Any, mfccs: Array) -> None:
        pointer = {"pointer": "/prosody"}
        if mfccs.ndim == 2:
            if not has_rows(prosody):
                raise Problem(messages.NO_PROSODY_ROWS, pointer, found=form(prosody))
            if len(prosody) != len(mfccs):
                raise Problem(
                    messages.WRONG_PROSODY_LENGTH, pointer, frames=len(mfccs), found=len(prosody)
                )
            explain_rows(prosody)
            return
        expected = self._statistics or f"1 to {MOST_STATISTICS}"
        if not isinstance(prosody, list) or has_rows(prosody):
            found = form(prosody)
            raise Problem(messages.NO_STATISTICS, pointer, expected=expected, found=found)
        if not self._is_pooled_width(len(prosody)):
            count = len(prosody)
            raise Problem(messages.WRONG_STATISTICS, pointer, expected=expected, found=count)
        check_numbers(prosody, "/prosody")

    def _explain_baseline(self, baseline: Any) -> None:
        for pointer, moments, width in self._moments(baseline):
            for name in ("mean", "spread"):
                _explain_list(_member(moments, pointer, name), f"{pointer}/{name}", width)
            _explain_spread(moments["spread"], f"{pointer}/spread")
        _explain_clips(_member(baseline, "/baseline", "clips"))

    def _moments(self, baseline: Any) -> Iterator[tuple[str, Any, int]]:
        """The pointer, value and width of each pair of mean and spread."""
        _member(baseline, "/baseline", "mfccs")
        for name, width in self._widths.items():
            if name in baseline:
                yield f"/baseline/{name}", baseline[name], width


def _check_range(values: Array, ranges: Sequence[Range], pointer: str) -> None:
    if wrong := out_of_range(values, ranges):
        place = {"pointer": "/".join([pointer, *map(str, wrong.place)])}
        found = shortened(wrong.found)
        raise Problem(messages.OUT_OF_RANGE, place, found=found, expected=wrong.expected)


def decode_rows(prosody: msgspec.Raw) -> Array:
    """Prosody of T frames, float32 (T, 3).

    Raises:
        ValueError, struct.error, OverflowError, RecursionError: the member is not valid.
    """
    packed = b"".join([_pack_row(*row) for row in _decode_rows(prosody)])
    return np.frombuffer(packed, np.float32).reshape(-1, PROSODY_COLUMNS)


def explain_start(prosody: Any) -> None:
    """Raises the first problem of prosody of which only the start is known."""
    if isinstance(prosody, list) and prosody:
        if isinstance(prosody[0], list):
            explain_rows(prosody)
        else:
            check_numbers(prosody, "/prosody")


def explain_rows(rows: list[Any]) -> None:
    """Raises the first problem of a row of prosody of one frame."""
    for index, row in enumerate(rows):
        pointer = f"/prosody/{index}"
        if not isinstance(row, list):
            raise Problem(messages.NO_PROSODY_ROW, {"pointer": pointer}, found=json_type(row))
        if len(row) != PROSODY_COLUMNS:
            raise Problem(messages.WRONG_PROSODY_WIDTH, {"pointer": pointer}, found=len(row))
        check_numbers(row, pointer)


def has_rows(prosody: Any) -> TypeGuard[list[Any]]:
    """Whether a parsed value is a list that begins with a list."""
    return isinstance(prosody, list) and bool(prosody) and isinstance(prosody[0], list)


def form(prosody: Any) -> str:
    """The form of a parsed value, for messages."""
    if not isinstance(prosody, list):
        return json_type(prosody)
    if not prosody:
        return "an empty list"
    return "a list of lists" if has_rows(prosody) else "a list of numbers"


def _member(document: Any, pointer: str, name: str) -> Any:
    """A required member of an object of the baseline."""
    if not isinstance(document, dict):
        raise Problem(messages.NO_BASELINE_OBJECT, {"pointer": pointer}, found=json_type(document))
    if name not in document:
        raise Problem(messages.NO_BASELINE_MEMBER, {"pointer": f"{pointer}/{name}"}, name=name)
    return document[name]


def _explain_list(values: Any, pointer: str, width: int) -> None:
    place = {"pointer": pointer}
    if not isinstance(values, list):
        raise Problem(messages.NO_BASELINE_LIST, place, expected=width, found=json_type(values))
    if len(values) != width:
        raise Problem(messages.WRONG_BASELINE_WIDTH, place, expected=width, found=len(values))
    check_numbers(values, pointer)


def _explain_spread(spread: list[float], pointer: str) -> None:
    for index, value in enumerate(spread):
        if value < 0:
            place = {"pointer": f"{pointer}/{index}"}
            raise Problem(messages.NEGATIVE_SPREAD, place, found=shortened(value))


def _explain_clips(clips: Any) -> None:
    pointer = "/baseline/clips"
    check_number(clips, pointer)
    if not 1 <= clips <= MOST_CLIPS or clips != int(clips):
        found = shortened(clips)
        raise Problem(messages.WRONG_CLIPS, {"pointer": pointer}, most=MOST_CLIPS, found=found)
