"""JSON documents that are the same for every request."""

from collections.abc import Mapping
from typing import Any

import msgspec
from falcon.asgi import Request, Response

from server.problems import messages
from server.problems.documents import Problem


class DocumentResource:
    """A JSON document, encoded once when the worker starts.

    faults: the reasons of a 503 problem that is sent instead, by file name.
    is_stored: whether clients may store the document.
    """

    def __init__(
        self,
        members: Mapping[str, Any],
        faults: Mapping[str, str] | None = None,
        *,
        is_stored: bool = True,
    ) -> None:
        self._body = msgspec.json.encode(members)
        self._reasons = [f"{file}: {reason}" for file, reason in (faults or {}).items()]
        self._is_stored = is_stored

    async def on_get(self, _: Request, resp: Response) -> None:
        """200, or 503 with every reason."""
        if not self._is_stored:
            resp.set_header("Cache-Control", "no-store")
        if self._reasons:
            reasons = "; ".join(self._reasons)
            raise Problem(messages.NOT_READY, {"errors": self._reasons}, reasons=reasons)
        resp.data = self._body

    on_head = on_get
