"""Reads what an ONNX file says of itself, without loading it: its metadata and its inputs."""

from collections.abc import Iterator
from itertools import islice

from speech_emotion_worker.external_data import RefusedModelError, Value, fields

GRAPH, METADATA = 7, 14  # fields of a Model
INPUT = 11  # of a Graph
NAME = 1  # of a ValueInfo
KEY, VALUE = 1, 2  # of an entry of the metadata
# SECURITY: the client itself reads them, and millions of empty fields fit into a file.
MOST_FIELDS = 100_000  # of a Model or a Graph; those of this project have up to 1,400
MOST_OF_ENTRY = 16  # of a ValueInfo or an entry


def read_metadata(model: bytes) -> dict[str, str]:
    """The texts of `metadata_props`; raises RefusedModelError."""
    entries = map(_entry, _messages(memoryview(model), METADATA))
    return {_text(entry.get(KEY)): _text(entry.get(VALUE)) for entry in entries}


def input_names(model: bytes) -> tuple[str, ...]:
    """The names of the graph's inputs; raises RefusedModelError."""
    return tuple(
        _text(_entry(value).get(NAME))
        for graph in _messages(memoryview(model), GRAPH)
        for value in _messages(graph, INPUT)
    )


def _messages(message: memoryview, number: int) -> Iterator[memoryview]:
    for field, value in _fields(message, MOST_FIELDS):
        if field == number and isinstance(value, memoryview):
            yield value


def _entry(message: memoryview) -> dict[int, Value]:
    return dict(_fields(message, MOST_OF_ENTRY))


def _fields(message: memoryview, most: int) -> Iterator[tuple[int, Value]]:
    found = fields(message)
    yield from islice(found, most)
    if next(found, None):
        raise RefusedModelError(f"a message in it has more than {most:,} fields")


def _text(value: object) -> str:
    if not isinstance(value, memoryview):
        raise RefusedModelError("it is not an ONNX model")
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise RefusedModelError("it contains a text that is not UTF-8") from None
