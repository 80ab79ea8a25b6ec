"""Reads what an ONNX file says of itself, without loading it: its metadata and its inputs."""

from speech_emotion_worker.external_data import RefusedModelError, fields

GRAPH, METADATA = 7, 14  # fields of a Model
INPUT = 11  # of a Graph
NAME = 1  # of a ValueInfo
KEY, VALUE = 1, 2  # of an entry of the metadata


def read_metadata(model: bytes) -> dict[str, str]:
    """The texts of `metadata_props`; raises RefusedModelError."""
    entries = [dict(fields(entry)) for entry in _messages(memoryview(model), METADATA)]
    return {_text(entry.get(KEY)): _text(entry.get(VALUE)) for entry in entries}


def input_names(model: bytes) -> tuple[str, ...]:
    """The names of the graph's inputs; raises RefusedModelError."""
    return tuple(
        _text(dict(fields(value)).get(NAME))
        for graph in _messages(memoryview(model), GRAPH)
        for value in _messages(graph, INPUT)
    )


def _messages(message: memoryview, number: int) -> list[memoryview]:
    found = [value for field, value in fields(message) if field == number]
    return [value for value in found if isinstance(value, memoryview)]


def _text(value: object) -> str:
    if not isinstance(value, memoryview):
        raise RefusedModelError("it is not an ONNX model")
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise RefusedModelError("it contains a text that is not UTF-8") from None
