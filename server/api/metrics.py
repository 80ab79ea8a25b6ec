"""`GET /metrics`: Prometheus metrics, on the operator's port only."""

import asyncio
from collections.abc import Callable

from falcon.asgi import Request, Response
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from server import problems

NGINX_COUNTS = "X-Nginx-Counts"


class MetricsResource:
    """The metrics of all workers, from any of them.

    collector: makes a collector; takes the counts that Nginx sends with the request.
    port: the only port with this resource; None if Nginx restricts it.
    """

    def __init__(self, collector: Callable[[str], Collector], port: int | None) -> None:
        self._collector = collector
        self._port = port

    async def on_get(self, req: Request, resp: Response) -> None:
        """Prometheus's text format, or OpenMetrics if the client accepts it."""
        _, port = req.scope["server"]
        if self._port not in (None, port):
            raise problems.no_such_path(req.path)
        encode, content_type = choose_encoder(req.accept)
        nginx_counts = req.get_header(NGINX_COUNTS, default="") if self._port is None else ""
        collector = self._collector(nginx_counts)
        # On a thread: it reads files.
        resp.data = await asyncio.to_thread(encode, collector)
        resp.content_type = content_type
        resp.set_header("Cache-Control", "no-store")

    on_head = on_get
