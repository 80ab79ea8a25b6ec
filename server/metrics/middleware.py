"""Counts requests, and what the networks do. PERF: on the way of every request."""

from time import perf_counter

import numpy as np
from falcon.asgi import Request, Response
from numpy.typing import NDArray

from server.metrics.definitions import (
    DISTANCE,
    NETWORK_SECONDS,
    REQUESTS,
    ROWS,
    STARTS,
    WARNINGS,
    Histogram,
)
from server.metrics.store import Page
from server.models.catalog import NetworkCatalog
from server.paths import route

RATIO_BOUNDS = np.array(DISTANCE.bounds, np.float32)
OUTSIDE = "outside-training-distribution"
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})  # any other is counted as "other"
GREATEST_RATIO = 10.0  # of a distance to its limit: one absurd input must not be the whole mean


class NetworkRecorder:
    """What one network does. Is called in the event loop's thread only."""

    def __init__(self, page: Page, network: str, distance_limit: float) -> None:
        self._seconds = NETWORK_SECONDS.histogram(page, network)
        self._rows = ROWS.histogram(page, network)
        self._ratios = DISTANCE.histogram(page, network)
        self._warnings = WARNINGS.series(page, network, OUTSIDE)
        self._limit = distance_limit

    def predicted(self, seconds: float, distance: float) -> None:
        """The network has answered for one utterance."""
        self._seconds.observe(seconds)
        ratio = distance / self._limit
        if ratio > 1.0:
            self._warnings[0] += 1.0
            ratio = min(ratio, GREATEST_RATIO)
        self._ratios.observe(ratio)

    def predicted_batch(self, seconds: float, distances: NDArray[np.float32]) -> None:
        """The network has answered for a batch: float32 (N,) distances."""
        self._seconds.observe(seconds)
        self._rows.observe(float(len(distances)))
        ratios = np.minimum(distances / np.float32(self._limit), np.float32(GREATEST_RATIO))
        values = self._ratios.values
        places = np.searchsorted(RATIO_BOUNDS, ratios)
        for place, count in enumerate(np.bincount(places).tolist()):
            values[place] += count
        values[-1] += float(ratios.sum(dtype=np.float64))
        self._warnings[0] += float(np.count_nonzero(distances > self._limit))


class Recorder:
    """Everything that one worker counts, on its page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._requests: dict[tuple[str | None, str, object], Histogram] = {}

    def worker_started(self) -> None:
        """The worker is about to serve."""
        STARTS.series(self._page)[0] += 1.0

    def networks(self, catalog: NetworkCatalog) -> dict[str, NetworkRecorder]:
        """The recorders of all networks, by name."""
        return {
            network.name: NetworkRecorder(self._page, network.name, network.metadata.distance_limit)
            for network in catalog.networks.values()
        }

    async def process_request(self, req: Request, _: Response) -> None:
        """Starts the clock."""
        req.context.received = perf_counter()

    async def process_response(
        self,
        req: Request,
        resp: Response,
        resource: object,  # noqa: ARG002  # Falcon gives all of them
        req_succeeded: bool,  # noqa: ARG002
    ) -> None:
        """Counts the answer."""
        try:
            requests = self._requests[req.uri_template, req.method, resp.status]
        except KeyError:
            requests = self._find(req, resp)
        requests.observe(perf_counter() - req.context.received)

    def _find(self, req: Request, resp: Response) -> Histogram:
        """The series of such answers; it is kept where its name is one of a few."""
        method = req.method if req.method in METHODS else "other"
        labels = (route(req.uri_template), method, str(resp.status_code))
        found = REQUESTS.histogram(self._page, *labels)
        if method == req.method:
            self._requests[req.uri_template, method, resp.status] = found
        return found
