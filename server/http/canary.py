"""Sends a share of the predictions to a canary, a second release in the same worker.

Only present while a canary is active, so that other requests pay nothing for it.
"""

import os
import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from falcon.asgi import Request, Response

RELEASE_HEADER = "X-Model-Release"
INFERENCE = re.compile(
    r"/prediction/[^/]+/?|/v2/models/[^/]+(/versions/(?P<version>[^/]+))?/infer/?"
)
REQUEST_ID = b"x-request-id"
HASH_BYTES = 8
HASHES = 1 << 8 * HASH_BYTES

Application = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True)
class CanaryDispatcher:
    """An ASGI application: the current release, with a canary for a share of the predictions.

    A request's identifier decides, so that a repeated request gets the same release. The canary of
    a larger share answers every identifier that it answered before. A request that names a version
    gets the release that has it.

    share: from 0 to 1.
    canary_versions: the versions under `/v2` that only the canary has.
    """

    current: Application
    canary: Application
    share: float
    canary_versions: Collection[str]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Passes the request to one of the two."""
        chosen = self.canary if self._is_for_canary(scope) else self.current
        await chosen(scope, receive, send)

    def _is_for_canary(self, scope: Any) -> bool:
        """Whether the canary answers; everything but predictions is the current release's."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return False
        path = INFERENCE.fullmatch(scope["path"])
        if path is None:
            return False
        if path["version"] is not None:
            return path["version"] in self.canary_versions
        return is_selected(_request_id(scope), self.share)


class ReleaseHeader:
    """Middleware that adds the header `X-Model-Release` to every answer."""

    def __init__(self, release: str) -> None:
        self._release = release

    async def process_response(
        self,
        req: Request,  # noqa: ARG002  # Falcon passes all of them
        resp: Response,
        resource: object,  # noqa: ARG002
        req_succeeded: bool,  # noqa: ARG002
    ) -> None:
        """Adds the header."""
        resp.set_header(RELEASE_HEADER, self._release)


def is_selected(request_id: bytes, share: float) -> bool:
    """Whether a request is one of the share, which is from 0 to 1."""
    number = int.from_bytes(blake2b(request_id, digest_size=HASH_BYTES).digest(), "big")
    return number < share * HASHES


def _request_id(scope: Any) -> bytes:
    """The identifier in the header, which Nginx always sets; without one, a random number."""
    found: bytes = dict(scope["headers"]).get(REQUEST_ID) or os.urandom(HASH_BYTES)
    return found
