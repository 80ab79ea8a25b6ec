"""The ASGI application: its middleware and its routes."""

import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from falcon import CORSMiddleware, HTTPError
from falcon.asgi import App, Request, Response

from configuration import ROOT
from server.api import open_inference
from server.api.configuration import EXTRACTOR_PATH, REFERENCE_PATH, describe
from server.api.documents import DocumentResource
from server.api.files import FileResource
from server.api.metrics import MetricsResource
from server.api.prediction import PredictionResource
from server.api.verification import VerificationResource
from server.http.api_keys import KeyMiddleware, KeyRing
from server.http.request_id import RequestIdMiddleware, request_id
from server.inference.batch_executor import BatchExecutor
from server.inference.memory import WorkerMemory, return_freed_memory
from server.inference.time_slice import EventLoopTimeSlice
from server.launch.capacity import affordable_batch_bytes, default_workers, worker_share
from server.launch.runtime_directory import Runtime, WorkerReport, behind_nginx, this_runtime
from server.metrics.collector import Collector
from server.metrics.definitions import DEADLINES, STARTS
from server.metrics.middleware import MetricsMiddleware
from server.metrics.network_metrics import network_metrics
from server.metrics.store import MetricStore, read_sums
from server.models.catalog import NetworkCatalog, load_catalog
from server.models.files import read_file
from server.models.releases import ReleaseStore
from server.paths import route
from server.problems import messages
from server.problems.documents import Problem, serialize, shortened
from server.settings import ServerSettings, Settings, load_settings

OPENAPI = ROOT / "server" / "openapi.yaml"

Serialize: TypeAlias = Callable[[Request, Response, HTTPError], None]

_log = logging.getLogger("server.app")


def create_app(
    settings: Settings,
    catalog: NetworkCatalog,
    *,
    nginx: bool = True,
    runtime: Runtime | None = None,
) -> App:  # type: ignore[type-arg]
    """Builds the application for the networks of `catalog`.

    nginx: whether Nginx forwards the requests; it sets `X-Request-Id` and keeps /metrics private.
        Without Nginx the application sets the header itself, and has no /metrics.
    runtime: the runtime directory of the server that this worker belongs to, if any.
    """
    store = MetricStore.acquire(runtime.metrics) if runtime else MetricStore.in_memory()
    app = App(middleware=[MetricsMiddleware(store), *_middleware(settings.server, nginx, runtime)])
    app.add_error_handler(Exception, _log_error)
    app.set_error_serializer(_counted(serialize, store))
    app.add_sink(_refuse_path)
    limit, time_slice = settings.server.maximum_body_bytes, EventLoopTimeSlice()
    share = worker_share(settings.server.workers or default_workers()) if runtime else None
    executor = _executor(settings.server, share, store)
    metrics = network_metrics(store, catalog)
    prediction = PredictionResource(catalog, limit, time_slice, metrics)
    app.add_route("/prediction/{network_type}", prediction)
    services = open_inference.inference_services(
        catalog, settings.server, executor, time_slice, metrics
    )
    open_inference.add_routes(app, catalog, settings.server, services)
    _add_initialisation(app, catalog, limit)
    app.add_route("/openapi.yaml", FileResource(read_file(OPENAPI), "application/yaml"))
    app.add_route("/livez", DocumentResource({"status": "alive"}, is_stored=False))
    ready = {"status": "ready", "networks": catalog.names}
    app.add_route("/readyz", DocumentResource(ready, catalog.faults, is_stored=False))
    if nginx:
        app.add_route("/metrics", MetricsResource(_collector(catalog, store, share, runtime)))
    STARTS.series(store)[0] += 1.0
    return app


def get_app() -> App:  # type: ignore[type-arg]
    """Builds the application from the settings; each Gunicorn worker calls it.

    A worker of a server loads the networks of the current release, any other process those of the
    models directory.
    """
    return_freed_memory()
    settings = load_settings()
    runtime = this_runtime()
    directory = settings.models.directory
    if runtime:
        directory = ReleaseStore(runtime.state).current_link.resolve()
    catalog = load_catalog(directory, settings.models.maximum_file_bytes)
    if runtime:
        runtime.report(os.getpid(), WorkerReport(directory.name, dict(catalog.faults)))
    return create_app(settings, catalog, nginx=behind_nginx(), runtime=runtime)


def _counted(serialize: Serialize, store: MetricStore) -> Serialize:
    """Also counts the requests whose deadline was exceeded."""
    deadlines = DEADLINES.series(store)

    def serialize_and_count(req: Request, resp: Response, error: HTTPError) -> None:
        if isinstance(error, Problem) and error.kind is messages.DEADLINE_EXCEEDED:
            deadlines[0] += 1.0
        serialize(req, resp, error)

    return serialize_and_count


def _executor(settings: ServerSettings, share: int | None, store: MetricStore) -> BatchExecutor:
    """The threads for batches, within the worker's share of the memory; None: unlimited."""
    largest = settings.maximum_open_batch_bytes
    if share is not None:
        largest = min(largest, affordable_batch_bytes(share))
    return BatchExecutor(largest, WorkerMemory.counted(share, store))


def _middleware(settings: ServerSettings, nginx: bool, runtime: Runtime | None) -> list[Any]:
    middleware: list[Any] = []
    if not nginx:
        middleware.append(RequestIdMiddleware())
    if settings.origins:
        exposed = ["X-Request-Id", "Retry-After"]
        middleware.append(CORSMiddleware(allow_origins=settings.origins, expose_headers=exposed))
    if settings.api_keys_path:
        kept = runtime.keys if runtime else None
        middleware.append(KeyMiddleware(KeyRing(settings.api_keys_path, kept)))
    return middleware


def _add_initialisation(
    app: App,  # type: ignore[type-arg]
    catalog: NetworkCatalog,
    maximum_body_bytes: int,
) -> None:
    """Adds the routes of the feature contract; without a contract only a 503 problem."""
    contract = catalog.contract
    document = describe(contract, catalog) if contract else {}
    configuration = DocumentResource(document, None if contract else catalog.faults)
    app.add_route("/init/configuration", configuration)
    # The published Android client uses this path.
    app.add_route("/configuration/init", configuration)
    if contract is None:
        return
    extractor = FileResource(contract.extractor, "application/octet-stream")
    app.add_route(EXTRACTOR_PATH, extractor)
    app.add_route(REFERENCE_PATH, FileResource(contract.reference_clip, "audio/wav"))
    app.add_route("/init/verification", VerificationResource(contract, maximum_body_bytes))


def _collector(
    catalog: NetworkCatalog, store: MetricStore, share: int | None, runtime: Runtime | None
) -> Callable[[str], Collector]:
    """Collects the counts of all workers of the server, or of this process alone."""
    if runtime is None:
        return partial(Collector, catalog, store.read, lambda: [os.getpid()], share)
    read = partial(read_sums, runtime.metrics)
    workers = lambda: runtime.workers(runtime.gunicorn or 0)  # noqa: E731
    return partial(Collector, catalog, read, workers, share)


async def _log_error(req: Request, _: Response, error: Exception, __: dict[str, Any]) -> None:
    fields = {"request_id": request_id(req), "route": route(req.uri_template)}
    _log.error("an answer failed", exc_info=error, extra={"fields": fields})
    raise Problem(messages.INTERNAL_ERROR)


async def _refuse_path(req: Request, resp: Response | None, **_: Any) -> None:  # noqa: ARG001
    raise Problem(messages.NO_SUCH_PATH, path=shortened(req.path))
