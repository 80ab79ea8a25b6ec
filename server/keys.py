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
from pathlib import Path

from falcon.asgi import Request, Response

from server import problems

LINE = re.compile(r"(?P<name>\S+)\s+(?P<sha256>[0-9a-fA-F]{64})")
HEALTH_PATHS = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})
OPEN_PATHS = HEALTH_PATHS | {"/openapi.yaml", "/metrics"}  # the last is not public
SECONDS_BETWEEN_LOOKS = 1.0

_log = logging.getLogger("server.keys")


class KeyFileError(ValueError):
    """The file of keys cannot be used; the message says why."""


def read_keys(path: Path) -> dict[str, bytes]:
    """The hash of each key, 32 bytes, by the key's name.

    Raises:
        KeyFileError: the file cannot be read, or a line is no name and hash.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path}: cannot be read: {error}") from None
    keys = {}
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        match = LINE.fullmatch(content)
        if not match:
            expected = "a name and the SHA-256 of a key, 64 hexadecimal digits"
            raise KeyFileError(f"{path}, line {number}: expected {expected}")
        keys[match["name"]] = bytes.fromhex(match["sha256"])
    return keys


class KeyRing:
    """The keys of a file, as it is now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, bytes] = {}
        self._version: tuple[int, int, int] | None = None
        self._next_look = 0.0

    def holds(self, key: str) -> bool:
        """Whether the key is one of them; takes the same time for every key."""
        self._look()
        digest = hashlib.sha256(key.encode()).digest()
        # All of them are compared, so that the time tells nothing of which is near.
        return sum([hmac.compare_digest(digest, known) for known in self._keys.values()]) > 0

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
