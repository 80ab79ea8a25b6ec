"""Counts and times requests. PERF: part of every request."""

from time import perf_counter

from falcon.asgi import Request, Response

from server.metrics.definitions import REQUESTS, Histogram, SeriesSource
from server.paths import route

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})  # any other is counted as "other"


class MetricsMiddleware:
    """Records the time of each request by route, method and status."""

    def __init__(self, store: SeriesSource) -> None:
        self._store = store
        self._requests: dict[tuple[str | None, str, object], Histogram] = {}

    async def process_request(self, req: Request, _: Response) -> None:
        """Starts the clock."""
        req.context.received = perf_counter()

    async def process_response(
        self,
        req: Request,
        resp: Response,
        resource: object,  # noqa: ARG002  # Falcon passes all of them
        req_succeeded: bool,  # noqa: ARG002
    ) -> None:
        """Records the request."""
        try:
            requests = self._requests[req.uri_template, req.method, resp.status]
        except KeyError:
            requests = self._find(req, resp)
        requests.observe(perf_counter() - req.context.received)

    def _find(self, req: Request, resp: Response) -> Histogram:
        """The histogram for such responses; cached if the method is one of METHODS."""
        method = req.method if req.method in METHODS else "other"
        labels = (route(req.uri_template), method, str(resp.status_code))
        found = REQUESTS.histogram(self._store, *labels)
        if method == req.method:
            self._requests[req.uri_template, method, resp.status] = found
        return found
