"""The files of a models' directory, as bytes; what is in them is read in `onnx_files.py`."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

EXTRACTOR_NAME = "mfcc.onnx"
REFERENCE_NAME = "reference.wav"
DEFAULT_MAXIMUM_FILE_BYTES = 16_777_216


class ModelFileError(ValueError):
    """A model file that must not be served; the message says what was expected, for each fault."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))


@dataclass(frozen=True)
class PublishedFile:
    """A file's content and its SHA-256 in hexadecimal digits."""

    content: bytes
    sha256: str


def read_file(path: Path, maximum_bytes: int = DEFAULT_MAXIMUM_FILE_BYTES) -> PublishedFile:
    """Reads a file of the models' directory.

    Raises:
        ModelFileError: the file is no file, cannot be read, or is larger than `maximum_bytes`.
    """
    try:
        # Without waiting for whoever might write into a pipe.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ModelFileError("is not a file")
            content = file.read(maximum_bytes + 1)
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror}") from None
    if len(content) > maximum_bytes:
        raise ModelFileError(f"is larger than {maximum_bytes:,} bytes, the limit for a model file")
    return PublishedFile(content, hashlib.sha256(content).hexdigest())
