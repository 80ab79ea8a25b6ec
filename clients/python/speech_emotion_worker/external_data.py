"""Finds tensors of an ONNX model that are stored in other files, without loading the model.

ONNX is a protobuf. The fields that lead to a tensor, and those of a tensor that name a file, are
looked at; anything that two parsers may read differently is refused.
"""

from collections.abc import Iterator

# message: {number of a field: the message in it}; from onnx.proto3.
FIELDS = {
    "Model": {7: "Graph", 20: "TrainingInfo", 25: "Function"},
    "TrainingInfo": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {
        5: "Tensor",
        6: "Graph",
        10: "Tensor",
        11: "Graph",
        22: "SparseTensor",
        23: "SparseTensor",
    },
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # fields of a Tensor
VARINT = 0
WIRE_TYPES = {VARINT: None, 1: 8, 2: None, 5: 4}  # bytes of the value; None: it varies
LONGEST_VARINT = 10  # bytes
LARGEST_TAG = 2**32 - 1  # some parsers drop the bits above

Value = int | memoryview


class RefusedModelError(Exception):
    """The model must not be loaded."""


def refuse_external_data(model: bytes) -> None:
    """Raises RefusedModelError if the model, or a part of it, names another file.

    Subgraphs, functions, attributes, sparse tensors and training information are parts.
    """
    waiting = [("Model", memoryview(model))]
    while waiting:
        name, message = waiting.pop()
        for number, value in fields(message):
            if name == "Tensor" and _is_external(number, value):
                raise RefusedModelError("it contains a tensor that is stored in another file")
            inner = FIELDS[name].get(number)
            if inner and isinstance(value, memoryview):
                waiting.append((inner, value))


def _is_external(number: int, value: Value) -> bool:
    return number == EXTERNAL_DATA or (number == DATA_LOCATION and value != 0)


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Yields the number and the value of each field: an integer, or the bytes.

    Raises:
        RefusedModelError: two parsers may read the message differently.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire_type = tag >> 3, tag & 7
        if number == 0 or tag > LARGEST_TAG or wire_type not in WIRE_TYPES:
            raise RefusedModelError("it is not an ONNX model")
        value: Value
        if wire_type == VARINT:
            value, at = _varint(message, at)
        else:
            length = WIRE_TYPES[wire_type]
            if length is None:
                length, at = _varint(message, at)
            value, at = _slice(message, at, length)
        yield number, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The integer at a position, and the position after it; refuses needless bytes."""
    value = 0
    for index, byte in enumerate(message[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if index and byte == 0:
                break
            return value, at + index + 1
    raise RefusedModelError("it is not an ONNX model")


def _slice(message: memoryview, at: int, length: int) -> tuple[memoryview, int]:
    if at + length > len(message):
        raise RefusedModelError("it is cut off")
    return message[at : at + length], at + length
