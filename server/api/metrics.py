"""`GET /metrics`: Prometheus metrics, on the operator's port only."""

import asyncio
from collections.abc import Callable

from falcon.asgi import Request, Response
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

NGINX_COUNTS = "X-Nginx-Counts"


class MetricsResource:
    """The metrics of all workers, from any of them.

    collector: makes a collector; takes the counts that Nginx sends with the request.
    """

    def __init__(self, collector: Callable[[str], Collector]) -> None:
        self._collector = collector

    async def on_get(self, req: Request, resp: Response) -> None:
        """Prometheus's text format, or OpenMetrics if the client accepts it."""
        encode, content_type = choose_encoder(req.accept)
        collector = self._collector(req.get_header(NGINX_COUNTS, default=""))
        # On a thread: it reads files.
        resp.data = await asyncio.to_thread(encode, collector)
        resp.content_type = content_type
        resp.set_header("Cache-Control", "no-store")

    on_head = on_get
