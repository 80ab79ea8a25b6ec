"""`GET /metrics`: for Prometheus, on the operator's port alone."""

import asyncio
from collections.abc import Callable

from falcon.asgi import Request, Response
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

NGINX_COUNTS = "X-Nginx-Counts"


class MetricsResource:
    """Answers with the counts of all workers, whichever of them is asked."""

    def __init__(self, collector: Callable[[str], Collector]) -> None:
        self._collector = collector

    async def on_get(self, req: Request, resp: Response) -> None:
        """Text, or OpenMetrics where that is asked for."""
        encode, content_type = choose_encoder(req.accept)
        collector = self._collector(req.get_header(NGINX_COUNTS, default=""))
        # In a thread, since it reads files.
        resp.data = await asyncio.to_thread(encode, collector)
        resp.content_type = content_type
        resp.set_header("Cache-Control", "no-store")

    on_head = on_get
