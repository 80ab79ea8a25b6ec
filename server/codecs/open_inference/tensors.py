"""Tensors as a request declares them, and their data in bytes after the JSON."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.problems import messages
from server.problems.documents import Problem

MOST_CLIPS = 1_000_000  # of a baseline
DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}


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


def check_baselines(baselines: NDArray[np.float32]) -> None:
    """Checks rows of means, as many spreads, and the number of clips; zeros stand for none.

    Raises:
        Problem: 400, a spread is negative, or a row has no valid number of clips.
    """
    first, clips = baselines.shape[1] // 2, baselines.shape[1] - 1
    if (spreads := baselines[:, first:clips]).min() < 0:
        row, column = map(int, np.unravel_index(spreads.argmin(), spreads.shape))
        place = f"baseline[{row}][{first + column}]"
        raise Problem(messages.NEGATIVE_SPREADS, place=place, found=spreads[row, column])
    counts = baselines[:, clips]
    wrong = np.flatnonzero((counts < 1) | (counts > MOST_CLIPS) | (counts % 1 != 0))
    filled = baselines[wrong].any(axis=1)
    if filled.any():
        row = int(wrong[filled.argmax()])
        place = f"baseline[{row}][{clips}]"
        raise Problem(messages.NO_CLIPS, place=place, most=MOST_CLIPS, found=counts[row])


def not_finite(index: str, value: float, tensor: DeclaredTensor) -> Problem:
    """The problem of a number that is not finite, or outside float32."""
    return Problem(messages.NOT_FINITE, place=f"{tensor.place}{index}", found=value)
