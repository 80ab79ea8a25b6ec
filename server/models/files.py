"""The files of a models directory, as bytes; `onnx.py` reads their content."""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.settings import DEFAULT_MAXIMUM_FILE_BYTES

EXTRACTOR_NAME = "mfcc.onnx"
REFERENCE_NAME = "reference.wav"
RECORDING_EXTRACTORS = "extractor-*.onnx"  # at other sample rates
REFERENCE = re.compile(r"reference(-[a-z0-9]+)*\.wav")
RESERVED = re.compile(r"extractor-.*|reference(-.*)?", re.IGNORECASE)  # not for networks
# The name of a network stands in URLs, metrics and logs.
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}\.[a-z]{1,8}")
VERSION_DIGITS = 12  # of its SHA-256, which are the version of a network
UNSAFE_NAME = (
    "has a name that cannot be served; expected 1 to 64 of the characters A-Z, a-z, 0-9, '.', '_' "
    "and '-' before its suffix, the first one not a '.'"
)


class ModelFileError(ValueError):
    """A model file that must not be served; the message gives every fault."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))


@dataclass(frozen=True)
class PublishedFile:
    """A file's content and its SHA-256 as hexadecimal digits."""

    content: bytes
    sha256: str


def format_fault(metadata: Mapping[str, str], *formats: str) -> str | None:
    """Why the `format` in the metadata is none of the expected ones; None if it is one."""
    found = metadata.get("format")
    if found in formats:
        return None
    return f"metadata 'format' is {found!r}; expected {' or '.join(map(repr, formats))}"


def is_extractor(path: Path) -> bool:
    """Whether a file is an extractor by its name."""
    return path.name == EXTRACTOR_NAME or path.match(RECORDING_EXTRACTORS)


def printable_name(path: Path) -> str:
    """The file's name for messages: in quotes, with escapes, if it is not safe."""
    return path.name if NAME.fullmatch(path.name) else ascii(path.name)


def read_file(path: Path, maximum_bytes: int = DEFAULT_MAXIMUM_FILE_BYTES) -> PublishedFile:
    """Reads a file of the models directory.

    Raises:
        ModelFileError: the name is not safe, the path is not a regular file, the file cannot be
            read, or it is larger than `maximum_bytes`.
    """
    if not NAME.fullmatch(path.name):
        raise ModelFileError(UNSAFE_NAME)
    try:
        # O_NONBLOCK: opening a named pipe would otherwise wait for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ModelFileError("is not a file")
            content = file.read(maximum_bytes + 1)
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror}") from None
    if len(content) > maximum_bytes:
        raise ModelFileError(f"is larger than {maximum_bytes:,} bytes, the limit for a model file")
    return PublishedFile(content, hashlib.sha256(content).hexdigest())
