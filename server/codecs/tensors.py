"""Reads the data of tensors: JSON numbers, flat or nested, or bytes after the JSON."""

import re
from dataclasses import dataclass
from itertools import chain
from math import prod
from struct import Struct as Packer
from struct import error as PackingError  # noqa: N812  # the standard library's name says nothing
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from server.codecs.mfcc_json import FLOAT32_MAXIMUM
from server.problems import messages
from server.problems.documents import Problem, malformed_json

NESTED = re.compile(rb"\s*\[\s*\[")
PIECE_BYTES = 32_768

DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}

_decode_integers = msgspec.json.Decoder(list[Annotated[int, Meta(ge=1, le=2**63 - 1)]])
_decode_numbers: dict[int, msgspec.json.Decoder[list[Any]]] = {  # by the depth of the lists
    1: msgspec.json.Decoder(list[float]),
    2: msgspec.json.Decoder(list[list[float]]),
    3: msgspec.json.Decoder(list[list[list[float]]]),
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


def read_binary(body: bytes, start: int, size: int, tensor: DeclaredTensor) -> NDArray[Any]:
    """The tensor in `size` bytes of the body from `start`; a view if these bytes are aligned.

    Raises:
        Problem: 400 if the size does not fit the shape, or a number is not finite.
    """
    dtype = DTYPES[tensor.datatype]
    _check_binary_size(size, len(body) - start, tensor)
    values: NDArray[Any] = np.frombuffer(body, dtype, tensor.size, start).reshape(tensor.shape)
    if not values.flags.aligned:
        values = values.copy()
    if tensor.datatype == "FP32" and not (finite := np.isfinite(values)).all():
        first = tuple(map(int, np.unravel_index(finite.argmin(), values.shape)))
        raise _not_finite(f": the number at {list(first)}", values[first], tensor)
    return values


def _check_binary_size(size: int, rest: int, tensor: DeclaredTensor) -> None:
    place = f"{tensor.place}.parameters.binary_data_size"
    expected = tensor.size * DTYPES[tensor.datatype].itemsize
    if size != expected:
        raise Problem(
            messages.WRONG_BINARY_SIZE,
            place=place,
            found=size,
            expected=expected,
            datatype=tensor.datatype,
            shape=tensor.shape,
        )
    if size > rest:
        raise Problem(messages.BINARY_DATA_MISSING, place=place, found=size, rest=max(0, rest))


def read_json(text: msgspec.Raw, tensor: DeclaredTensor) -> NDArray[Any]:
    """The tensor in a JSON list, which is flat or nested as the tensor's shape.

    Raises:
        Problem: 400 if the list does not hold such a tensor.
    """
    try:
        if tensor.datatype == "INT64":
            return _integers(_decode_integers.decode(text), tensor)
        if not NESTED.match(text):
            return _flat(_decode_in_pieces(text, b","), tensor)
        if len(tensor.shape) == 2:
            return _nested(_decode_in_pieces(text, b"]"), tensor)
        return _nested(_decode_numbers[len(tensor.shape)].decode(text), tensor)
    except msgspec.ValidationError as error:
        raise Problem(messages.INVALID_DATA, place=f"{tensor.place}.data", error=error) from None
    except RecursionError as error:
        raise malformed_json(error) from None


def _decode_in_pieces(text: msgspec.Raw, end: bytes) -> list[Any]:
    """Decodes a list of numbers (`end` is a comma) or of rows (`end` is a bracket).

    PERF: msgspec holds the GIL while it decodes. Between two pieces the event loop can run. Pieces
    take no longer than the whole text.
    """
    decoder = _decode_numbers[1 if end == b"," else 2]
    if len(text) <= PIECE_BYTES:
        return decoder.decode(text)
    inner = bytes(text).strip()[1:-1]
    values: list[Any] = []
    start = 0
    try:
        while start < len(inner):
            stop = _end_of_piece(inner, start, end)
            values += decoder.decode(b"[%b]" % inner[start:stop])
            start = stop + 1
    except msgspec.DecodeError:
        return decoder.decode(text)  # raises an error with the place in the whole text
    return values


def _end_of_piece(inner: bytes, start: int, end: bytes) -> int:
    """The index of the comma after a piece, or of the end."""
    near = inner.find(end, start + PIECE_BYTES)
    comma = inner.find(b",", near) if near >= 0 else -1
    return comma if comma >= 0 else len(inner)


def _integers(values: list[int], tensor: DeclaredTensor) -> NDArray[np.int64]:
    _check_count(values, tensor)
    return np.array(values, np.int64).reshape(tensor.shape)


def _flat(values: list[float], tensor: DeclaredTensor) -> NDArray[np.float32]:
    _check_count(values, tensor)
    try:
        # NOTE: the standard mode raises for numbers outside float32; the native mode does not.
        packed = Packer(f"<{len(values)}f").pack(*values)
    except OverflowError:
        index = next(i for i, value in enumerate(values) if not abs(value) <= FLOAT32_MAXIMUM)
        raise _not_finite(f".data[{index}]", values[index], tensor) from None
    return np.frombuffer(packed, np.float32).reshape(tensor.shape)


def _nested(values: list[Any], tensor: DeclaredTensor) -> NDArray[np.float32]:
    shape = tensor.shape
    if len(values) != shape[0]:
        raise _wrong_nesting("", values, tensor)
    rows = values
    if len(shape) == 3:
        for index, utterance in enumerate(values):
            if len(utterance) != shape[1]:
                raise _wrong_nesting(f"[{index}]", utterance, tensor)
        rows = list(chain.from_iterable(values))
    pack = Packer(f"<{shape[-1]}f").pack
    try:
        packed = b"".join([pack(*row) for row in rows])
    except (PackingError, OverflowError):
        raise _bad_row(rows, tensor) from None
    return np.frombuffer(packed, np.float32).reshape(shape)


def _bad_row(rows: list[list[float]], tensor: DeclaredTensor) -> Problem:
    """The problem of the first row that cannot be packed."""
    for at, row in zip(np.ndindex(*tensor.shape[:-1]), rows, strict=True):
        where = "".join(f"[{index}]" for index in at)
        if len(row) != tensor.shape[-1]:
            return _wrong_nesting(where, row, tensor)
        for column, value in enumerate(row):
            if not abs(value) <= FLOAT32_MAXIMUM:
                return _not_finite(f".data{where}[{column}]", value, tensor)
    raise AssertionError(f"every row of {tensor.place} can be packed")


def _check_count(values: list[Any], tensor: DeclaredTensor) -> None:
    if len(values) != tensor.size:
        raise Problem(
            messages.WRONG_COUNT,
            place=f"{tensor.place}.data",
            found=len(values),
            expected=tensor.size,
            shape=tensor.shape,
        )


def _not_finite(index: str, value: float, tensor: DeclaredTensor) -> Problem:
    return Problem(messages.NOT_FINITE, place=f"{tensor.place}{index}", found=value)


def _wrong_nesting(index: str, values: list[Any], tensor: DeclaredTensor) -> Problem:
    return Problem(
        messages.WRONG_NESTING,
        place=f"{tensor.place}.data{index}",
        found=len(values),
        shape=tensor.shape,
    )
