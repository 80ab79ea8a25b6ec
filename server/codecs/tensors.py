"""Tensor data to arrays: JSON numbers, flat or nested, or the bytes behind the JSON."""

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

from server import problems
from server.codecs.mfcc_json import FLOAT32_MAXIMUM

NESTED = re.compile(rb"\s*\[\s*\[")
BYTES_OF_A_PIECE = 32_768
EXPECTED_NUMBER = "expected a finite number that float32 can hold"

DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}

_decode_integers = msgspec.json.Decoder(list[Annotated[int, Meta(ge=1, le=2**63 - 1)]])
_decode_numbers: dict[int, msgspec.json.Decoder[list[Any]]] = {  # by the depth of the lists
    1: msgspec.json.Decoder(list[float]),
    2: msgspec.json.Decoder(list[list[float]]),
    3: msgspec.json.Decoder(list[list[list[float]]]),
}


@dataclass(frozen=True)
class Announced:
    """What a request says of a tensor's data before they come."""

    place: str  # where it stands in the request, for errors: inputs[0]
    datatype: str
    shape: list[int]

    @property
    def size(self) -> int:
        """How many numbers there must be."""
        return prod(self.shape)


def read_binary(body: bytes, start: int, size: int, tensor: Announced) -> NDArray[Any]:
    """The tensor of `size` bytes from `start`, which is no copy where the bytes are aligned.

    Raises:
        Problem: 400 where the size is not the shape's, or a number is not finite.
    """
    dtype, place = DTYPES[tensor.datatype], tensor.place
    expected = tensor.size * dtype.itemsize
    if size != expected:
        raise problems.invalid_inference(
            f"{place}.parameters.binary_data_size is {size}; expected {expected} for "
            f"{tensor.datatype} of shape {tensor.shape}"
        )
    if start + size > len(body):
        raise problems.invalid_inference(
            f"{place}: {size} bytes of binary data were announced; the body ends after "
            f"{max(0, len(body) - start)}"
        )
    values: NDArray[Any] = np.frombuffer(body, dtype, tensor.size, start).reshape(tensor.shape)
    if not values.flags.aligned:
        values = values.copy()
    if tensor.datatype == "FP32" and not (finite := np.isfinite(values)).all():
        bad = tuple(map(int, np.unravel_index(finite.argmin(), values.shape)))
        raise problems.invalid_inference(
            f"{place}: the number at {list(bad)} is {values[bad]}; {EXPECTED_NUMBER}"
        )
    return values


def read_json(text: msgspec.Raw, tensor: Announced) -> NDArray[Any]:
    """The tensor that a JSON list holds, flat or nested as its shape.

    Raises:
        Problem: 400 where the list is no such tensor.
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
        raise problems.invalid_inference(f"{tensor.place}.data: {error}") from None
    except RecursionError:
        raise problems.malformed_json("it is nested too deeply") from None


def _decode_in_pieces(text: msgspec.Raw, end: bytes) -> list[Any]:
    """Numbers, or rows of them where each ends in a bracket.

    PERF: msgspec keeps the interpreter for itself until it is done; between two pieces the event
    loop has its turn. It takes no longer than all at once.
    """
    decoder = _decode_numbers[1 if end == b"," else 2]
    if len(text) <= BYTES_OF_A_PIECE:
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
        return decoder.decode(text)  # fails too, and names the place in the whole
    return values


def _end_of_piece(inner: bytes, start: int, end: bytes) -> int:
    """Where the comma behind a piece stands, or the end."""
    near = inner.find(end, start + BYTES_OF_A_PIECE)
    comma = inner.find(b",", near) if near >= 0 else -1
    return comma if comma >= 0 else len(inner)


def _integers(values: list[int], tensor: Announced) -> NDArray[np.int64]:
    _check_count(values, tensor)
    return np.array(values, np.int64).reshape(tensor.shape)


def _flat(values: list[float], tensor: Announced) -> NDArray[np.float32]:
    _check_count(values, tensor)
    try:
        # Little-endian standard mode: unlike the native one it refuses what float32 cannot hold.
        packed = Packer(f"<{len(values)}f").pack(*values)
    except OverflowError:
        index = next(i for i, value in enumerate(values) if not abs(value) <= FLOAT32_MAXIMUM)
        raise _too_large(f"[{index}]", values[index], tensor) from None
    return np.frombuffer(packed, np.float32).reshape(tensor.shape)


def _nested(values: list[Any], tensor: Announced) -> NDArray[np.float32]:
    shape = tensor.shape
    if len(values) != shape[0]:
        raise _wrong_nesting(f"{len(values)} lists", tensor)
    rows = values
    if len(shape) == 3:
        for index, utterance in enumerate(values):
            if len(utterance) != shape[1]:
                raise _wrong_nesting(f"{len(utterance)} lists at [{index}]", tensor)
        rows = list(chain.from_iterable(values))
    pack = Packer(f"<{shape[-1]}f").pack
    try:
        packed = b"".join([pack(*row) for row in rows])
    except (PackingError, OverflowError):
        raise _bad_row(rows, tensor) from None
    return np.frombuffer(packed, np.float32).reshape(shape)


def _bad_row(rows: list[list[float]], tensor: Announced) -> problems.Problem:
    """What is wrong with the first row that cannot be packed."""
    for at, row in zip(np.ndindex(*tensor.shape[:-1]), rows, strict=True):
        where = "".join(f"[{index}]" for index in at)
        if len(row) != tensor.shape[-1]:
            return _wrong_nesting(f"{len(row)} numbers at {where}", tensor)
        for column, value in enumerate(row):
            if not abs(value) <= FLOAT32_MAXIMUM:
                return _too_large(f"{where}[{column}]", value, tensor)
    raise AssertionError(f"every row of {tensor.place} can be packed")


def _check_count(values: list[Any], tensor: Announced) -> None:
    if len(values) != tensor.size:
        raise problems.invalid_inference(
            f"{tensor.place}.data has {len(values)} numbers; expected {tensor.size} for shape "
            f"{tensor.shape}"
        )


def _too_large(where: str, value: float, tensor: Announced) -> problems.Problem:
    detail = f"{tensor.place}.data{where} is {value}; {EXPECTED_NUMBER}"
    return problems.invalid_inference(detail)


def _wrong_nesting(found: str, tensor: Announced) -> problems.Problem:
    detail = f"{tensor.place}.data has {found}; expected lists nested as the shape {tensor.shape}"
    return problems.invalid_inference(detail)
