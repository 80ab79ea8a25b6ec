"""`/v2`: the Open Inference Protocol's routes and documents."""

from collections.abc import Mapping
from typing import Any

import msgspec
from falcon.asgi import App, Request, Response

from server.api.documents import DocumentResource
from server.api.inference import InferenceResource
from server.api.requests import find_version
from server.codecs.open_inference.metadata import (
    model_configuration,
    model_metadata,
    server_metadata,
)
from server.codecs.open_inference.request import BatchLimits
from server.codecs.open_inference.tensor_specs import model_signature
from server.inference.batch_executor import BatchExecutor
from server.inference.joint_runs import JointRuns
from server.inference.service import InferenceService
from server.inference.single_clips import SingleClips
from server.inference.time_slice import EventLoopTimeSlice
from server.metrics.network_metrics import NetworkMetrics
from server.models.catalog import NetworkCatalog
from server.problems import messages
from server.problems.documents import Problem
from server.settings import ServerSettings


class ModelResource:
    """`GET /v2/models/{name}`, `.../ready` and `.../config`."""

    def __init__(self, catalog: NetworkCatalog, services: Mapping[str, InferenceService]) -> None:
        self._catalog = catalog
        self._services = services

    async def on_get(
        self, _: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """The network's tensors, labels and measured quality."""
        service = self._find(name, version)
        resp.data = msgspec.json.encode(model_metadata(service.network, service.signature))

    on_head = on_get

    async def on_get_ready(
        self, _: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """200; 404 if there is no such network; 503 if its file failed verification."""
        network = self._find(name, version).network
        resp.data = msgspec.json.encode({"name": network.name, "ready": True})

    on_head_ready = on_get_ready

    async def on_get_config(
        self, _: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """The model configuration that Triton's clients request."""
        service = self._find(name, version)
        document = model_configuration(service.network, service.signature, service.limits.rows)
        resp.data = msgspec.json.encode(document)

    on_head_config = on_get_config

    def _find(self, name: str, version: str | None) -> InferenceService:
        return self._services[find_version(self._catalog, name, version).name]


class RepositoryResource:
    """`POST /v2/repository/...`: this server does not load models over the protocol."""

    async def on_post(self, *_: Any, **__: Any) -> None:
        """Always 501."""
        raise Problem(messages.NOT_SUPPORTED)


def add_routes(
    app: App,  # type: ignore[type-arg]
    catalog: NetworkCatalog,
    settings: ServerSettings,
    services: Mapping[str, InferenceService],
) -> None:
    """Adds all routes under `/v2`."""
    app.add_route("/v2", DocumentResource(server_metadata()))
    app.add_route("/v2/health/live", DocumentResource({"live": True}))
    app.add_route("/v2/health/ready", DocumentResource({"ready": True}, catalog.faults))
    model = ModelResource(catalog, services)
    inference = InferenceResource(catalog, services, settings.maximum_batch_bytes)
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        app.add_route(path, model)
        app.add_route(f"{path}/ready", model, suffix="ready")
        app.add_route(f"{path}/config", model, suffix="config")
        app.add_route(f"{path}/infer", inference)
    repository = RepositoryResource()
    app.add_route("/v2/repository/index", repository)
    app.add_route("/v2/repository/models/{name}/load", repository)
    app.add_route("/v2/repository/models/{name}/unload", repository)


def inference_services(
    catalog: NetworkCatalog,
    settings: ServerSettings,
    executor: BatchExecutor,
    time_slice: EventLoopTimeSlice,
    metrics: Mapping[str, NetworkMetrics],
    *,
    joint_runs: Mapping[str, JointRuns],
) -> dict[str, InferenceService]:
    """The service of each network, by name; they share the executor and the time slice.

    joint_runs: of each network, by name; those of `POST /prediction`.
    """
    n_mfcc = catalog.contract.n_mfcc if catalog.contract else 0
    statistics = catalog.contract.statistics if catalog.contract else []
    return {
        network.name: InferenceService(
            network,
            model_signature(network, n_mfcc, statistics),
            BatchLimits(settings.maximum_batch_rows, settings.maximum_batch_frames),
            executor,
            time_slice,
            metrics[network.name],
            SingleClips(network, joint_runs[network.name], time_slice),
        )
        for network in catalog.networks.values()
    }
