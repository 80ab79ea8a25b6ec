"""Reads the data of tensors: JSON numbers, flat or nested, or bytes after the JSON."""

from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from server.codecs.number_lists import DeclaredTensor, not_finite, read_floats, wrong_count
from server.problems import messages
from server.problems.documents import Problem, malformed_json

DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}

_decode_integers = msgspec.json.Decoder(list[Annotated[int, Meta(ge=1, le=2**63 - 1)]])


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
        raise not_finite(f": the number at {list(first)}", values[first], tensor)
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
        return read_floats(bytes(text).strip(), tensor)
    except msgspec.ValidationError as error:
        raise Problem(messages.INVALID_DATA, place=f"{tensor.place}.data", error=error) from None
    except RecursionError as error:
        raise malformed_json(error) from None


def _integers(values: list[int], tensor: DeclaredTensor) -> NDArray[np.int64]:
    if len(values) != tensor.size:
        raise wrong_count(len(values), tensor)
    return np.array(values, np.int64).reshape(tensor.shape)
