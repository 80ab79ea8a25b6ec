"""Messages of kind TENSORS: named arrays, and the names of the outputs that are wanted."""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LENGTH = struct.Struct("<Q")  # of the JSON in front of the arrays

Arrays = Mapping[str, NDArray[Any]]


def pack(inputs: Arrays, outputs: Sequence[str]) -> bytes:
    """One message; the arrays are float32 or int64."""
    described = [[name, array.dtype.str, array.shape] for name, array in inputs.items()]
    header = json.dumps([described, list(outputs)]).encode()
    contents = [np.ascontiguousarray(array).tobytes() for array in inputs.values()]
    return b"".join([LENGTH.pack(len(header)), header, *contents])


def unpack(content: bytes) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """The arrays by name, and the names of the outputs."""
    (length,) = LENGTH.unpack_from(content)
    at = LENGTH.size + length
    described, outputs = json.loads(content[LENGTH.size : at])
    arrays = {}
    for name, kind, shape in described:
        count = int(np.prod(shape))
        array = np.frombuffer(content, kind, count, at).reshape(shape)
        arrays[name] = array
        at += array.nbytes
    return arrays, outputs
