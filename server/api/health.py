"""`GET /livez` and `GET /readyz`: health checks for orchestrators."""

from collections.abc import Mapping

import msgspec
from falcon.asgi import Request, Response

from server.models.catalog import NetworkCatalog
from server.problems import messages
from server.problems.documents import Problem


def not_ready(faults: Mapping[str, str]) -> Problem:
    """The problem that lists faults: file name -> reason."""
    reasons = [f"{file}: {reason}" for file, reason in faults.items()]
    return Problem(messages.NOT_READY, {"errors": reasons}, reasons="; ".join(reasons))


class LivenessResource:
    """The worker responds to requests."""

    async def on_get(self, _: Request, resp: Response) -> None:
        """Always 200."""
        resp.data = b'{"status":"alive"}'
        resp.set_header("Cache-Control", "no-store")

    on_head = on_get


class ReadinessResource:
    """The worker has loaded and verified every model file, and at least one network."""

    def __init__(self, catalog: NetworkCatalog) -> None:
        self._faults = catalog.faults
        self._body = msgspec.json.encode({"status": "ready", "networks": catalog.names})

    async def on_get(self, _: Request, resp: Response) -> None:
        """200, or 503 with every reason."""
        resp.set_header("Cache-Control", "no-store")
        if self._faults:
            raise not_ready(self._faults)
        resp.data = self._body

    on_head = on_get
