"""`/v2`: the Open Inference Protocol's routes and documents."""

from collections.abc import Mapping
from typing import Any

import msgspec
from falcon.asgi import App, Request, Response

from server.api.health import not_ready
from server.api.inference import InferenceResource
from server.api.requests import find_version
from server.codecs.inference_metadata import model_configuration, model_metadata, server_metadata
from server.codecs.tensor_specs import ModelSignature, model_signature
from server.inference.batch_executor import BatchExecutor
from server.inference.service import InferenceService
from server.inference.time_slice import EventLoopTimeSlice
from server.metrics.network_metrics import NetworkMetrics
from server.models.catalog import NetworkCatalog
from server.problems import messages
from server.problems.documents import Problem
from server.settings import ServerSettings


class DocumentResource:
    """A constant JSON document."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._body = msgspec.json.encode(members)

    async def on_get(self, _: Request, resp: Response) -> None:
        """Always 200."""
        resp.data = self._body

    on_head = on_get


class ReadinessResource:
    """`GET /v2/health/ready`: the same check as `/readyz`."""

    def __init__(self, catalog: NetworkCatalog) -> None:
        self._faults = catalog.faults

    async def on_get(self, _: Request, resp: Response) -> None:
        """200, or 503 with every reason."""
        if self._faults:
            raise not_ready(self._faults)
        resp.data = b'{"ready":true}'

    on_head = on_get


class ModelResource:
    """`GET /v2/models/{name}`, `.../ready` and `.../config`."""

    def __init__(
        self, catalog: NetworkCatalog, signatures: Mapping[str, ModelSignature], maximum_rows: int
    ) -> None:
        self._catalog = catalog
        self._signatures = signatures
        self._maximum_rows = maximum_rows

    async def on_get(
        self, _: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """The network's tensors, labels and measured quality."""
        network = find_version(self._catalog, name, version)
        document = model_metadata(network, self._signatures[network.name])
        resp.data = msgspec.json.encode(document)

    async def on_get_ready(
        self, _: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """200; 404 if there is no such network; 503 if its file failed verification."""
        network = find_version(self._catalog, name, version)
        resp.data = msgspec.json.encode({"name": network.name, "ready": True})

    async def on_get_config(
        self, _: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """The model configuration that Triton's clients request."""
        network = find_version(self._catalog, name, version)
        tensors = self._signatures[network.name]
        document = model_configuration(network, tensors, self._maximum_rows)
        resp.data = msgspec.json.encode(document)


class RepositoryResource:
    """`POST /v2/repository/...`: this server does not load models over the protocol."""

    async def on_post(self, *_: Any, **__: Any) -> None:
        """Always 501."""
        raise Problem(messages.NOT_SUPPORTED)


def add_routes(
    app: App,  # type: ignore[type-arg]
    catalog: NetworkCatalog,
    settings: ServerSettings,
    time_slice: EventLoopTimeSlice,
    metrics: Mapping[str, NetworkMetrics],
) -> None:
    """Adds all routes under `/v2`."""
    app.add_route("/v2", DocumentResource(server_metadata()))
    app.add_route("/v2/health/live", DocumentResource({"live": True}))
    app.add_route("/v2/health/ready", ReadinessResource(catalog))
    signatures = _signatures(catalog)
    model = ModelResource(catalog, signatures, settings.maximum_batch_rows)
    services = _services(catalog, signatures, settings, time_slice, metrics)
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


def _signatures(catalog: NetworkCatalog) -> dict[str, ModelSignature]:
    n_mfcc = catalog.contract.n_mfcc if catalog.contract else 0
    return {network.name: model_signature(network, n_mfcc) for network in catalog.networks.values()}


def _services(
    catalog: NetworkCatalog,
    signatures: Mapping[str, ModelSignature],
    settings: ServerSettings,
    time_slice: EventLoopTimeSlice,
    metrics: Mapping[str, NetworkMetrics],
) -> dict[str, InferenceService]:
    """The service of each network, by name; they share the executor and the time slice."""
    executor = BatchExecutor(settings.maximum_open_batch_bytes)
    return {
        network.name: InferenceService(
            network,
            signatures[network.name],
            settings.maximum_batch_rows,
            executor,
            time_slice,
            metrics[network.name],
        )
        for network in catalog.networks.values()
    }
