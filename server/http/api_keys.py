"""Checks the API keys of requests."""

import hashlib
import hmac
import logging
import time
from pathlib import Path

from falcon.asgi import Request, Response

from server.http.key_files import KeyFileError, keep_keys, read_keys
from server.paths import HEALTH_PATHS
from server.problems import messages
from server.problems.documents import Problem

OPEN_PATHS = HEALTH_PATHS | {"/openapi.yaml", "/metrics"}  # Nginx keeps /metrics private
SECONDS_BETWEEN_CHECKS = 1.0

_log = logging.getLogger("server.http.api_keys")


class KeyRing:
    """The keys of a file, which is read again within a second of a change.

    path: the key file.
    kept: a copy of the last valid file. Workers that start while `path` is not valid read it.
    """

    def __init__(self, path: Path, kept: Path | None = None) -> None:
        self._path = path
        self._kept = kept
        self._keys: list[bytes] = []
        if kept and kept.exists():
            self._keys = read_keys(kept)
        self._version: tuple[int, int, int] | None = None
        self._next_check = 0.0

    def holds(self, key: str) -> bool:
        """Whether the key is one of the file's."""
        self._reload_if_changed()
        digest = hashlib.sha256(key.encode()).digest()
        # SECURITY: comparing with every key makes the time independent of the key.
        return sum([hmac.compare_digest(digest, known) for known in self._keys]) > 0

    def _reload_if_changed(self) -> None:
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + SECONDS_BETWEEN_CHECKS
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
    """Requires a key for every path but the open ones, and not for CORS preflight requests."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def process_request(self, req: Request, _: Response) -> None:
        """Raises a 401 problem if the key is missing or unknown."""
        if req.method == "OPTIONS" or req.path in OPEN_PATHS:
            return
        scheme, _space, key = (req.get_header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not self._keys.holds(key.strip()):
            raise Problem(messages.KEY_NEEDED)
