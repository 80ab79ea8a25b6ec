"""API keys: a file of names and of the SHA-256 hashes of keys.

    # name   SHA-256 of the key
    phones   9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

It is read again within a second of a change.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from server.atomic_write import write_atomically

LINE = re.compile(r"(?P<name>\S+)\s+(?P<sha256>[0-9a-fA-F]{64})")


class KeyFileError(ValueError):
    """The file of keys cannot be used; the message says why."""


def read_keys(path: Path) -> list[bytes]:
    """The hash of each key, 32 bytes. Keys that take turns may have the same name.

    Raises:
        KeyFileError: the file cannot be read, or a line is no name and hash.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path}: cannot be read: {error}") from None
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        match = LINE.fullmatch(content)
        if not match:
            expected = "a name and the SHA-256 of a key, 64 hexadecimal digits"
            raise KeyFileError(f"{path}, line {number}: expected {expected}")
        keys.append(bytes.fromhex(match["sha256"]))
    return keys


def keep_keys(keys: Iterable[bytes], path: Path) -> None:
    """Writes a file of keys for `read_keys`, under numbers instead of names."""
    write_atomically(path, "".join(f"{number} {key.hex()}\n" for number, key in enumerate(keys)))
