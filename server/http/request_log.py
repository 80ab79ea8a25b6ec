"""What Nginx does for the application, where there is no Nginx: request ids and the access log."""

import os
import re
import sys
import time
from datetime import UTC, datetime
from itertools import count

import msgspec
from falcon.asgi import Request, Response

from server.http.access_log import AccessLog

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class EdgeMiddleware:
    """Gives each answer the headers that Nginx would, and each request a line of the log."""

    def __init__(self, access_log: bool) -> None:
        self._access_log = AccessLog(sys.stdout.fileno()) if access_log else None
        # PERF: unique without asking the kernel for random bytes each time.
        self._process, self._numbers = os.urandom(8).hex(), count()

    async def process_request(self, req: Request, _: Response) -> None:
        """Starts the clock."""
        req.context.start = time.perf_counter()
        req.context.request_id = request_id(req) or f"{self._process}{next(self._numbers):016x}"
        req.context.network = ""

    async def process_resource(
        self,
        req: Request,
        resp: Response,  # noqa: ARG002  # Falcon gives all of them
        resource: object,  # noqa: ARG002
        params: dict[str, str],
    ) -> None:
        """Keeps the network's name, which stands in the path."""
        req.context.network = params.get("network_type") or params.get("name", "")

    async def process_response(
        self,
        req: Request,
        resp: Response,
        resource: object,  # noqa: ARG002
        req_succeeded: bool,  # noqa: ARG002
    ) -> None:
        """Tells how it went."""
        resp.set_header("X-Request-Id", req.context.request_id)
        resp.set_header("X-Content-Type-Options", "nosniff")
        if self._access_log:
            self._access_log.add(_line(req, resp))


def request_id(req: Request) -> str | None:
    """What the client, or Nginx, calls the request, if that can stand in a log."""
    found = req.get_header("X-Request-Id")
    return found if found and REQUEST_ID.fullmatch(found) else None


def route(req: Request) -> str:
    """The template of the path, as it stands in the documentation; empty where none fits."""
    return (req.uri_template or "").replace("network_type", "networkType")


def _line(req: Request, resp: Response) -> bytes:
    members = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "process": "worker",
        "request_id": req.context.request_id,
        "method": req.method,
        "route": route(req),
        "network": req.context.network,
        "status": resp.status_code,
        "duration_ms": round((time.perf_counter() - req.context.start) * 1000, 3),
        "bytes": len(resp.data or b""),
    }
    return msgspec.json.encode(members) + b"\n"
