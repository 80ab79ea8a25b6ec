"""Reads the metadata of an ONNX file without ONNX Runtime.

PERF: workers publish the extractors of recordings and run none, so they need no session of them;
nine take a quarter of a second. A field of a protobuf message is a tag and a value; only two of
the wire types occur in a model.
"""

from collections.abc import Iterator

from server.models.checksum import DAMAGED, checksum_matches
from server.models.files import ModelFileError, format_fault

FORMAT = "speech-emotion-extractor/2"
EXTRACTOR_FORMAT = "speech-emotion-extractor/1"  # of mfcc.onnx
METADATA_PROPS = 14  # field of ModelProto
KEY, VALUE = 1, 2  # fields of its entries
VARINT, LENGTH_DELIMITED = 0, 2  # wire types
NO_MODEL = "is not an ONNX file"
LONGEST_VARINT = 10  # bytes
MOST_FIELDS = 10_000  # of one message; millions would take a worker many seconds


def read_metadata(content: bytes, expected_format: str = FORMAT) -> dict[str, str]:
    """The `metadata_props` of a model, whose checksum and `format` are checked.

    Raises:
        ModelFileError: the content is not an ONNX file, is damaged, or has another format.
    """
    if not checksum_matches(content):
        raise ModelFileError(DAMAGED)
    try:
        entries = [
            dict(_fields(value)) for field, value in _fields(content) if field == METADATA_PROPS
        ]
        metadata = {entry[KEY].decode(): entry[VALUE].decode() for entry in entries}
    except (IndexError, KeyError, ValueError):
        raise ModelFileError(NO_MODEL) from None
    if fault := format_fault(metadata, expected_format):
        raise ModelFileError(fault)
    return metadata


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each length-delimited field.

    Raises:
        IndexError, ValueError: the message is not of such fields and of integers.
    """
    position = 0
    for _ in range(MOST_FIELDS):
        if position == len(message):
            return
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type not in (VARINT, LENGTH_DELIMITED):
            raise ValueError
        length, position = _varint(message, position)
        if wire_type == VARINT:
            continue
        if position + length > len(message):
            raise ValueError
        yield number, message[position : position + length]
        position += length
    raise ValueError


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """A variable-length integer, least significant seven bits first, and the place behind it."""
    value = 0
    for index in range(LONGEST_VARINT):
        byte = message[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:  # the last byte
            return value, position + index + 1
    raise ValueError
