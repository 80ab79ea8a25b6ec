"""Request ids: every answer has one, in the header `X-Request-Id`."""

import os
import re
from itertools import count

from falcon.asgi import Request, Response

HEADER = "X-Request-Id"
VALID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware:
    """Adds the header to answers, for a server without Nginx: the client's id, or a new one."""

    def __init__(self) -> None:
        # PERF: unique without a system call for each request.
        self._process, self._numbers = os.urandom(8).hex(), count()

    async def process_request(self, req: Request, _: Response) -> None:
        """Gives the request its id."""
        req.context.request_id = _header(req) or f"{self._process}{next(self._numbers):016x}"

    async def process_response(
        self,
        req: Request,
        resp: Response,
        resource: object,  # noqa: ARG002  # Falcon passes all of them
        req_succeeded: bool,  # noqa: ARG002
    ) -> None:
        """Adds the id to the answer."""
        resp.set_header(HEADER, req.context.request_id)


def request_id(req: Request) -> str:
    """The id of the request, from the middleware or from Nginx; empty if there is none."""
    return req.context.get("request_id") or _header(req)


def _header(req: Request) -> str:
    """The id in the request's header; empty if it is missing or not safe to log."""
    found = req.get_header(HEADER, default="")
    return found if VALID.fullmatch(found) else ""
