"""Reads a long JSON list of numbers piece by piece into float32.

A decoded number takes ten times the memory of its text, so the whole list is never decoded at once.
"""

import re
from dataclasses import dataclass
from math import prod
from struct import Struct as Packer
from struct import error as PackingError  # noqa: N812  # the standard library's name says nothing
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.codecs.mfcc_json import FLOAT32_MAXIMUM
from server.problems import messages
from server.problems.documents import Problem

# PERF: msgspec holds the GIL while it decodes. Between two pieces the event loop can run. Pieces
# take no longer than the whole text.
PIECE_BYTES = 32_768
NESTED = re.compile(rb"\[\s*\[")
END_OF_ROWS = re.compile(rb"\]\s*\]")
LIST = re.compile(rb"\s*\[\s*(.)", re.DOTALL)
SPACE = re.compile(rb"\s*")
FIRST_INDEX = re.compile(r"`\$\[(\d+)\]")

_decode: dict[int, msgspec.json.Decoder[list[Any]]] = {  # by the depth of the lists
    1: msgspec.json.Decoder(list[float]),
    2: msgspec.json.Decoder(list[list[float]]),
}


@dataclass(frozen=True)
class DeclaredTensor:
    """A tensor as the request declares it.

    place: its place in the request, for messages: inputs[0].
    """

    place: str
    datatype: str
    shape: list[int]

    @property
    def size(self) -> int:
        """The number of its values."""
        return prod(self.shape)


def read_floats(text: bytes, tensor: DeclaredTensor) -> NDArray[np.float32]:
    """The tensor in a valid JSON text without space around it: a flat list, or nested as the shape.

    Raises:
        Problem: 400 if the lists do not have the shape, or a number is outside float32.
        msgspec.ValidationError: the text is no list of numbers.
    """
    packed = bytearray()
    if not text.startswith(b"["):
        _decode[1].decode(text)  # raises
    if not NESTED.match(text):
        _read_flat(text, tensor, packed)
    elif len(tensor.shape) == 2:
        rows, _ = _read_rows(text, 1, "", tensor, packed)
        _check_length(rows, tensor.shape[0], "", tensor)
    else:
        _read_utterances(text, tensor, packed)
    return np.frombuffer(packed, np.float32).reshape(tensor.shape)


def _read_flat(text: bytes, tensor: DeclaredTensor, packed: bytearray) -> None:
    start, count = 1, 0
    while start < len(text):
        comma = text.find(b",", start + PIECE_BYTES)
        stop = comma if comma >= 0 else len(text) - 1
        values = _decode_piece(text, start, stop, 1, f"[{count}]")
        try:
            # NOTE: the standard mode raises for numbers outside float32; the native mode does not.
            packed += Packer(f"<{len(values)}f").pack(*values)
        except OverflowError:
            index = next(i for i, value in enumerate(values) if not abs(value) <= FLOAT32_MAXIMUM)
            raise not_finite(f".data[{count + index}]", values[index], tensor) from None
        count += len(values)
        start = stop + 1
    if count != tensor.size:
        raise wrong_count(count, tensor)


def _read_utterances(text: bytes, tensor: DeclaredTensor, packed: bytearray) -> None:
    """Reads lists that are nested three deep."""
    count, comma = 0, 0  # the outer bracket stands where a comma stands before other utterances
    while count == 0 or text[comma : comma + 1] == b",":
        where, first = f"[{count}]", LIST.match(text, comma + 1)
        if first is None:
            raise _invalid(text[comma + 1 :], 2, where)
        if first[1] == b"]":
            raise wrong_nesting(where, 0, tensor)
        rows, end = _read_rows(text, first.start(1), where, tensor, packed)
        _check_length(rows, tensor.shape[1], where, tensor)
        count, comma = count + 1, SPACE.match(text, end).end()  # type: ignore[union-attr]
    _check_length(count, tensor.shape[0], "", tensor)


def _read_rows(
    text: bytes, start: int, where: str, tensor: DeclaredTensor, packed: bytearray
) -> tuple[int, int]:
    """Reads the rows from an offset to the end of their list.

    Returns the number of rows and the offset after the list.
    """
    pack = Packer(f"<{tensor.shape[-1]}f").pack
    count, end = 0, 0
    while not end:
        stop, end = _end_of_rows(text, start)
        rows = _decode_piece(text, start, stop, 2, f"{where}[{count}]")
        try:
            packed += b"".join([pack(*row) for row in rows])
        except (PackingError, OverflowError):
            raise _bad_row(rows, count, where, tensor) from None
        count += len(rows)
        start = stop + 1
    return count, end


def _end_of_rows(text: bytes, start: int) -> tuple[int, int]:
    """Where a piece of rows ends, and where their list ends if it ends in this piece, else 0."""
    near = text.find(b"]", start + PIECE_BYTES)
    comma = text.find(b",", near) if near >= 0 else -1
    stop = comma if comma >= 0 else len(text)
    last = END_OF_ROWS.search(text, start, stop)
    if last:
        return last.start() + 1, last.end()
    return stop, 0 if comma >= 0 else stop


def _decode_piece(text: bytes, start: int, stop: int, depth: int, where: str) -> list[Any]:
    """Decodes some elements of a list.

    depth: 1 for numbers, 2 for rows of numbers.
    where: the place of the first element, for messages.
    """
    try:
        return _decode[depth].decode(b"[%b]" % text[start:stop])
    except msgspec.DecodeError:
        raise _invalid(text[start:], depth, where) from None


def _invalid(rest: bytes, depth: int, where: str) -> msgspec.ValidationError:
    """The error of the first element of `rest` that is not as expected, with its place.

    where: the place of the first element of the rest.
    """
    try:
        _decode[depth].decode(b"[" + rest)
    except msgspec.ValidationError as error:
        before, _, first = where[:-1].rpartition("[")
        return msgspec.ValidationError(
            FIRST_INDEX.sub(lambda f: f"`${before}[{int(first) + int(f[1])}]", str(error))
        )
    except msgspec.DecodeError:
        pass
    return msgspec.ValidationError(f"Expected lists of numbers - near `${where}`")


def _bad_row(rows: list[list[float]], first: int, where: str, tensor: DeclaredTensor) -> Problem:
    """The problem of the first row that cannot be packed."""
    for index, row in enumerate(rows, first):
        place = f"{where}[{index}]"
        if len(row) != tensor.shape[-1]:
            return wrong_nesting(place, len(row), tensor)
        for column, value in enumerate(row):
            if not abs(value) <= FLOAT32_MAXIMUM:
                return not_finite(f".data{place}[{column}]", value, tensor)
    raise AssertionError(f"every row of {tensor.place} can be packed")


def _check_length(found: int, expected: int, where: str, tensor: DeclaredTensor) -> None:
    if found != expected:
        raise wrong_nesting(where, found, tensor)


def wrong_count(found: int, tensor: DeclaredTensor) -> Problem:
    """The problem of a flat list that is too short or too long."""
    place, shape = f"{tensor.place}.data", tensor.shape
    return Problem(
        messages.WRONG_COUNT, place=place, found=found, expected=tensor.size, shape=shape
    )


def not_finite(index: str, value: float, tensor: DeclaredTensor) -> Problem:
    """The problem of a number that is not finite or outside float32."""
    return Problem(messages.NOT_FINITE, place=f"{tensor.place}{index}", found=value)


def wrong_nesting(index: str, found: int, tensor: DeclaredTensor) -> Problem:
    """The problem of a list whose length differs from the shape."""
    place = f"{tensor.place}.data{index}"
    return Problem(messages.WRONG_NESTING, place=place, found=found, shape=tensor.shape)
