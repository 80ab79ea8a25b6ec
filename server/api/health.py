"""`GET /livez` and `GET /readyz`: health checks for orchestrators."""

import msgspec
from falcon.asgi import Request, Response

from server import problems
from server.models.catalog import NetworkCatalog


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
            raise problems.not_ready(self._faults)
        resp.data = self._body

    on_head = on_get
