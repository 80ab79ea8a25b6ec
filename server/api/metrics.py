"""`GET /metrics`: for Prometheus, on the operator's port alone."""

import asyncio
from collections.abc import Callable

from falcon.asgi import Request, Response
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from server import problems

NGINX_COUNTS = "X-Nginx-Counts"


class MetricsResource:
    """Answers with the counts of all workers, whichever of them is asked.

    port: the only one that it is served on; None where Nginx sees to that.
    """

    def __init__(self, collector: Callable[[str], Collector], port: int | None) -> None:
        self._collector = collector
        self._port = port

    async def on_get(self, req: Request, resp: Response) -> None:
        """Text, or OpenMetrics where that is asked for."""
        _, port = req.scope["server"]
        if self._port not in (None, port):
            raise problems.no_such_path(req.path)
        encode, content_type = choose_encoder(req.accept)
        told = req.get_header(NGINX_COUNTS, default="") if self._port is None else ""
        collector = self._collector(told)
        # In a thread, since it reads files.
        resp.data = await asyncio.to_thread(encode, collector)
        resp.content_type = content_type
        resp.set_header("Cache-Control", "no-store")

    on_head = on_get
