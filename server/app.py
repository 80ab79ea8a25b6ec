"""The ASGI application: its middleware and its routes."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from falcon import CORSMiddleware, HTTPError
from falcon.asgi import App, Request, Response

from configuration import ROOT
from server.api import open_inference
from server.api.configuration import (
    EXTRACTOR_PATH,
    NETWORK_PATH,
    OTHER_REFERENCE_PATH,
    RECORDING_EXTRACTOR_PATH,
    REFERENCE_PATH,
    describe,
)
from server.api.documents import DocumentResource
from server.api.files import FileResource, FilesResource, NoFilesResource
from server.api.metrics import MetricsResource
from server.api.prediction import PredictionResource
from server.api.verification import VerificationResource
from server.codecs.open_inference.tensor_specs import version
from server.http.api_keys import KeyMiddleware, KeyRing
from server.http.canary import Application, CanaryDispatcher, ReleaseHeader
from server.http.request_id import RequestIdMiddleware, request_id
from server.inference.batch_executor import BatchExecutor
from server.inference.joint_runs import JointRuns
from server.inference.memory import return_freed_memory
from server.launch.runtime_directory import Runtime, WorkerReport, behind_nginx, this_runtime
from server.metrics.collector import Collector
from server.metrics.definitions import CANARY, DEADLINES
from server.metrics.middleware import MetricsMiddleware
from server.metrics.network_metrics import network_metrics
from server.metrics.store import MetricStore, read_sums
from server.models.catalog import NetworkCatalog, load_catalog
from server.models.deployment import Deployment
from server.models.files import read_file
from server.models.first_release import refused_files
from server.models.releases import ReleaseStore
from server.paths import route
from server.problems import messages
from server.problems.documents import Problem, serialize, shortened
from server.settings import ServerSettings, Settings, load_settings
from server.worker_resources import WorkerResources

OPENAPI = ROOT / "server" / "openapi.yaml"
ONNX, WAV = "application/octet-stream", "audio/wav"

Serialize: TypeAlias = Callable[[Request, Response, HTTPError], None]

_log = logging.getLogger("server.app")


def create_app(
    settings: Settings,
    catalog: NetworkCatalog,
    *,
    nginx: bool = True,
    runtime: Runtime | None = None,
    deployment: Deployment | None = None,
    shared: WorkerResources | None = None,
) -> App:  # type: ignore[type-arg]
    """Builds the application for the networks of `catalog`.

    nginx: whether Nginx forwards the requests; it sets `X-Request-Id` and keeps /metrics private.
        Without Nginx the application sets the header itself, and has no /metrics.
    runtime: the runtime directory of the server that this worker belongs to, if any.
    deployment: the releases that the worker serves, which /readyz tells; with a canary, every
        answer names its release.
    shared: what the applications of a worker share.
    """
    shared = shared or WorkerResources.acquire(settings.server, runtime)
    middleware = _middleware(settings.server, nginx, runtime)
    if deployment and deployment.canary:
        middleware.append(ReleaseHeader(deployment.current or ""))
    app = App(middleware=[MetricsMiddleware(shared.series), *middleware])
    app.add_error_handler(Exception, _log_error)
    app.set_error_serializer(_counted(serialize, shared.store))
    app.add_sink(_refuse_path)
    metrics = network_metrics(shared.series, catalog)
    executor, time_slice = shared.executor, shared.time_slice
    joint_runs = {each.name: JointRuns(each, time_slice) for each in catalog.networks.values()}
    given = catalog, settings.server, executor, time_slice, metrics
    prediction = PredictionResource(*given, joint_runs=joint_runs)
    app.add_route("/prediction/{network_type}", prediction)
    services = open_inference.inference_services(*given, joint_runs=joint_runs)
    open_inference.add_routes(app, catalog, settings.server, services)
    _add_initialisation(app, catalog, settings, executor)
    app.add_route("/openapi.yaml", FileResource(read_file(OPENAPI), "application/yaml"))
    app.add_route("/livez", DocumentResource({"status": "alive"}, is_stored=False))
    ready = {"status": "ready", "networks": catalog.names} | _releases(deployment)
    app.add_route("/readyz", DocumentResource(ready, catalog.faults, is_stored=False))
    if nginx:
        app.add_route("/metrics", MetricsResource(_collector(catalog, shared, runtime)))
    return app


def get_app() -> Application:
    """Builds the application from the settings; each Gunicorn worker calls it.

    A worker of a server loads the networks of the releases that the server serves, any other
    process those of the models directory.
    """
    return_freed_memory()
    settings, runtime = load_settings(), this_runtime()
    if runtime:
        return _serve_releases(settings, runtime)
    catalog = load_catalog(settings.models.directory, settings.models.maximum_file_bytes)
    return create_app(settings, catalog, nginx=behind_nginx())


def _serve_releases(settings: Settings, runtime: Runtime) -> Application:
    """The application of the current release; with a canary, both behind a dispatcher."""
    store = ReleaseStore(runtime.state)
    found, limit = store.deployment, settings.models.maximum_file_bytes
    # Releases were verified in a process of their own.
    load_release = partial(load_catalog, maximum_file_bytes=limit, run_extractors=False)
    release = found.current or ""
    current = load_release(store.release(release), refused=refused_files(store, release))
    canary = load_release(store.release(found.canary)) if found.canary else None
    faults = dict(canary.faults if canary else {}) | dict(current.faults)
    runtime.report(os.getpid(), WorkerReport(release, faults, found.canary, found.share))
    shared = WorkerResources.acquire(settings.server, runtime)
    build = partial(create_app, settings, nginx=behind_nginx(), runtime=runtime)
    if canary and canary.faults:
        _log.error("the canary is not served: %s", dict(canary.faults))
    if found.canary is None or canary is None or canary.faults:
        return build(current, deployment=replace(found, canary=None), shared=shared)
    return CanaryDispatcher(
        build(current, deployment=found, shared=shared),
        build(canary, deployment=replace(found, current=found.canary), shared=shared.for_canary()),
        found.share,
        _versions(canary) - _versions(current),
    )


def _versions(catalog: NetworkCatalog) -> set[str]:
    return {version(network) for network in catalog.networks.values()}


def _counted(serialize: Serialize, store: MetricStore) -> Serialize:
    """Also counts the requests whose deadline was exceeded."""
    deadlines = DEADLINES.series(store)

    def serialize_and_count(req: Request, resp: Response, error: HTTPError) -> None:
        if isinstance(error, Problem) and error.kind is messages.DEADLINE_EXCEEDED:
            deadlines[0] += 1.0
        serialize(req, resp, error)

    return serialize_and_count


def _middleware(settings: ServerSettings, nginx: bool, runtime: Runtime | None) -> list[Any]:
    middleware: list[Any] = []
    if not nginx:
        middleware.append(RequestIdMiddleware())
    if settings.origins:
        exposed = ["X-Request-Id", "X-Model-Release", "Retry-After"]
        middleware.append(CORSMiddleware(allow_origins=settings.origins, expose_headers=exposed))
    if settings.api_keys_path:
        path = runtime.keys if runtime else settings.api_keys_path
        middleware.append(KeyMiddleware(KeyRing(path)))
    return middleware


def _add_initialisation(
    app: App,  # type: ignore[type-arg]
    catalog: NetworkCatalog,
    settings: Settings,
    executor: BatchExecutor,
) -> None:
    """Adds the routes of the feature contract; without a contract only a 503 problem."""
    contract = catalog.contract
    most, downloads = settings.server.maximum_frames, settings.models.downloads
    document = describe(contract, catalog, most, downloads=downloads) if contract else {}
    configuration = DocumentResource(document, None if contract else catalog.faults)
    app.add_route("/init/configuration", configuration)
    # The published Android client uses this path.
    app.add_route("/configuration/init", configuration)
    if contract is None:
        return
    app.add_route(EXTRACTOR_PATH, FileResource(contract.extractor, ONNX))
    app.add_route(REFERENCE_PATH, FileResource(contract.reference_clip, WAV))
    by_rate = {str(item.recording.sample_rate): item.file for item in contract.recordings}
    clips = {clip.name.removeprefix("reference-"): clip.file for clip in contract.references[1:]}
    app.add_route(RECORDING_EXTRACTOR_PATH, FilesResource(by_rate, ONNX))
    app.add_route(OTHER_REFERENCE_PATH, FilesResource(clips, WAV))
    networks = {network.name: network.file for network in catalog.networks.values()}
    files = FilesResource(networks, ONNX) if downloads else NoFilesResource()
    app.add_route(NETWORK_PATH, files)
    app.add_route("/init/verification", VerificationResource(contract, settings.server, executor))


def _releases(deployment: Deployment | None) -> dict[str, Any]:
    """Members of /readyz."""
    if deployment is None:
        return {}
    found = {"release": deployment.current}
    if deployment.canary is None:
        return found
    return found | {"canary": {"release": deployment.canary, "share": deployment.share}}


def _collector(
    catalog: NetworkCatalog, shared: WorkerResources, runtime: Runtime | None
) -> Callable[[str], Collector]:
    """Collects the counts of all workers of the server, or of this process alone."""
    share = shared.memory_share
    if runtime is None:
        own = [os.getpid()]
        return partial(Collector, catalog, shared.store.read, lambda: own, memory_share=share)
    read = partial(read_sums, runtime.metrics)
    releases = partial(_served, runtime)
    workers = partial(_workers, runtime)
    return partial(Collector, catalog, read, workers, memory_share=share, releases=releases)


def _workers(runtime: Runtime) -> dict[int, WorkerReport | None]:
    return runtime.workers(runtime.gunicorn or 0)


def _served(runtime: Runtime) -> Iterator[tuple[str, str]]:
    """The release and the role of each worker that has loaded its models."""
    for report in filter(None, _workers(runtime).values()):
        yield report.release or "", "current"
        if report.canary:
            yield report.canary, CANARY


async def _log_error(req: Request, _: Response, error: Exception, __: dict[str, Any]) -> None:
    fields = {"request_id": request_id(req), "route": route(req.uri_template)}
    _log.error("an answer failed", exc_info=error, extra={"fields": fields})
    raise Problem(messages.INTERNAL_ERROR)


async def _refuse_path(req: Request, resp: Response | None, **_: Any) -> None:  # noqa: ARG001
    raise Problem(messages.NO_SUCH_PATH, path=shortened(req.path))
