"""API keys: a file of names and of the SHA-256 hashes of keys.

    # name   SHA-256 of the key
    phones   9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

It is read again within a second of a change.
"""

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Iterable
from pathlib import Path

from falcon.asgi import Request, Response

from server import problems
from server.files import write_whole

LINE = re.compile(r"(?P<name>\S+)\s+(?P<sha256>[0-9a-fA-F]{64})")
HEALTH_PATHS = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})
OPEN_PATHS = HEALTH_PATHS | {"/openapi.yaml", "/metrics"}  # the last is not public
SECONDS_BETWEEN_LOOKS = 1.0

_log = logging.getLogger("server.keys")


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
    write_whole(path, "".join(f"{number} {key.hex()}\n" for number, key in enumerate(keys)))


class KeyRing:
    """The keys of a file, as it is now.

    kept: where the file is kept as it last was when it could be used, for workers that start while
    it cannot.
    """

    def __init__(self, path: Path, kept: Path | None = None) -> None:
        self._path = path
        self._kept = kept
        self._keys: list[bytes] = []
        if kept and kept.exists():
            self._keys = read_keys(kept)
        self._version: tuple[int, int, int] | None = None
        self._next_look = 0.0

    def holds(self, key: str) -> bool:
        """Whether the key is one of them; takes the same time for every key."""
        self._look()
        digest = hashlib.sha256(key.encode()).digest()
        # All of them are compared, so that the time tells nothing of which is near.
        return sum([hmac.compare_digest(digest, known) for known in self._keys]) > 0

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + SECONDS_BETWEEN_LOOKS
        try:
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if version != self._version:
                self._keys = read_keys(self._path)
                self._version = version
                if self._kept:
                    keep_keys(self._keys, self._kept)
        except (OSError, KeyFileError) as error:
            _log.error("the keys stay as they were: %s", error)


class KeyMiddleware:
    """Lets in who has a key, and whoever asks for health, or whether a page may ask."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def process_request(self, req: Request, _: Response) -> None:
        """Raises a 401 problem where a key is missing or unknown."""
        if req.method == "OPTIONS" or req.path in OPEN_PATHS:
            return
        scheme, _space, key = (req.get_header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not self._keys.holds(key.strip()):
            raise problems.key_needed()
