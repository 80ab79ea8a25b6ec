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


def why_unreadable(path: Path) -> str | None:
    """Why this process cannot read the file, with its user and the file's owner; None if it can.

    A key of mode 0600 is often mounted into a container that runs as another user.
    """
    user = f"user {os.geteuid()} (group {os.getegid()})"
    try:
        status = path.stat()
    except PermissionError:
        return f"{user} has no access to its folder"
    except OSError as error:
        return error.strerror or str(error)
    if os.access(path, os.R_OK, effective_ids=True):
        return None
    return (
        f"{user} cannot read it; it belongs to user {status.st_uid} (group {status.st_gid}) "
        f"and has the mode {stat.S_IMODE(status.st_mode):04o}"
    )
