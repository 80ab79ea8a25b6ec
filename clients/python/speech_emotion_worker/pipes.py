"""Messages over pipes: a kind of one byte, a length of eight, the content."""

import struct
from typing import IO

READY = b"R"
MODEL = b"M"  # the ONNX file; answered with READY
AUDIO = b"A"  # REQUEST, float32 samples in C order; answered with FEATURES
TENSORS = b"T"  # inputs of a network, see `tensors`; answered with FEATURES
FEATURES = b"F"  # for each output: SHAPE, float32 in C order
FAILURE = b"E"  # UTF-8 text

HEADER = struct.Struct("<cQ")
REQUEST = struct.Struct("<QQ")  # channels, 0 for a graph of mono audio; number of outputs
SHAPE = struct.Struct("<QQ")  # rows, columns; a vector is one row


class BrokenPipesError(Exception):
    """The other side has ended, or does not keep to the rules."""


class TooLargeError(BrokenPipesError):
    """The content is larger than expected."""

    def __init__(self, length: int, largest: int) -> None:
        super().__init__(f"sent {length:,} bytes; expected at most {largest:,}")


def send(stream: IO[bytes], kind: bytes, *contents: bytes | memoryview) -> None:
    """Writes one message of one or more parts; raises OSError if the other side has ended."""
    stream.write(HEADER.pack(kind, sum(map(len, contents))))
    for content in contents:
        stream.write(content)
    stream.flush()


def receive(stream: IO[bytes], largest: int) -> tuple[bytes, bytes]:
    """Reads one message: its kind and its content of at most `largest` bytes.

    Raises:
        TooLargeError: the content is larger.
        BrokenPipesError: the stream has ended.
    """
    kind, length = HEADER.unpack(_read(stream, HEADER.size))
    if length > largest:
        raise TooLargeError(length, largest)
    return kind, _read(stream, length)


def _read(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise BrokenPipesError("the stream has ended")
    return content
