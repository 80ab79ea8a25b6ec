"""API keys: which a file holds now, and who is let in with them."""

import hashlib
import hmac
import logging
import time
from pathlib import Path

from falcon.asgi import Request, Response

from server import problems
from server.http.key_files import KeyFileError, keep_keys, read_keys
from server.paths import HEALTH_PATHS

OPEN_PATHS = HEALTH_PATHS | {"/openapi.yaml", "/metrics"}  # the last is not public
SECONDS_BETWEEN_LOOKS = 1.0

_log = logging.getLogger("server.http.api_keys")


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
