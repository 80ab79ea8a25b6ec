"""Reads a file that an operator names, which may be anything."""

import os
import stat
from pathlib import Path

LARGEST_BYTES = 1_048_576


class UnusableFileError(ValueError):
    """The path is not a regular file of a usable size; the message says why."""


def read_regular_file(path: Path) -> bytes:
    """The content of a file of up to 1 MiB.

    Raises:
        OSError: the file cannot be read.
        UnusableFileError: the path is not a regular file, or the file is larger.
    """
    # Without O_NONBLOCK, opening a named pipe would wait for its writer.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:  # noqa: PTH123
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnusableFileError("is not a regular file")
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise UnusableFileError(f"is larger than {LARGEST_BYTES} bytes")
    return content
