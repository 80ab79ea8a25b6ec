"""The file of API keys: a name and the SHA-256 hash of a key on each line.

    # name   SHA-256 of the key
    phones   9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

Comments begin with `#`.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from server.atomic_write import write_atomically
from server.regular_file import UnusableFileError, read_regular_file

LINE = re.compile(r"(?P<name>\S+)\s+(?P<sha256>[0-9a-fA-F]{64})")
EMPTY = hashlib.sha256(b"").digest()


class KeyFileError(ValueError):
    """The key file cannot be used; the message says why."""


def read_keys(path: Path) -> list[bytes]:
    """The hashes of all keys, 32 bytes each. Several keys may have the same name.

    Raises:
        KeyFileError: the file cannot be read, or a line is not a name and the hash of a key.
    """
    try:
        text = read_regular_file(path).decode()
    except UnusableFileError as error:
        raise KeyFileError(f"{path}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path}: cannot be read: {error}") from None
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if content:
            keys.append(_parse(content, f"{path}, line {number}"))
    return keys


def _parse(content: str, place: str) -> bytes:
    match = LINE.fullmatch(content)
    if not match:
        expected = "a name and the SHA-256 of a key, 64 hexadecimal digits"
        raise KeyFileError(f"{place}: expected {expected}")
    key = bytes.fromhex(match["sha256"])
    if key == EMPTY:
        raise KeyFileError(f"{place}: is the hash of an empty key; expected the hash of a key")
    return key


def keep_keys(keys: Iterable[bytes], path: Path) -> None:
    """Writes the hashes to a file that `read_keys` can read; numbers replace the names."""
    write_atomically(path, "".join(f"{number} {key.hex()}\n" for number, key in enumerate(keys)))
