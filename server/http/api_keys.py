"""Checks the API keys of requests."""

import hashlib
import hmac
import logging
import os
from pathlib import Path

from falcon.asgi import Request, Response

from server.http.key_files import read_keys
from server.paths import HEALTH_PATHS
from server.problems import messages
from server.problems.documents import Problem

OPEN_PATHS = HEALTH_PATHS | {"/openapi.yaml", "/metrics"}  # Nginx keeps /metrics private

_log = logging.getLogger("server.http.api_keys")


class KeyRing:
    """The keys of a file that is replaced, never changed.

    Each request checks for another file, so all workers change to the new keys at the same moment.

    Raises:
        OSError: the file cannot be opened.
        KeyFileError: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDONLY)  # open as long as the worker lives
        self._keys = read_keys(path)

    def holds(self, key: str) -> bool:
        """Whether the key is one of the file's."""
        # PERF: half a microsecond. An open file that was replaced has no name any more.
        if os.fstat(self._file).st_nlink == 0:
            self._read_again()
        digest = hashlib.sha256(key.encode()).digest()
        # SECURITY: comparing with every key makes the time independent of the key.
        return sum([hmac.compare_digest(digest, known) for known in self._keys]) > 0

    def _read_again(self) -> None:
        try:
            file = os.open(self._path, os.O_RDONLY)  # first: it may be replaced while it is read
        except OSError as error:
            _log.error("the keys stay as they were: %s", error)
            return
        os.close(self._file)
        self._file = file
        self._keys = read_keys(self._path)


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
