"""`/v2`: the Open Inference Protocol."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from falcon.asgi import App, Request, Response

from server import problems
from server.api.bodies import read_body
from server.api.lookup import find_network
from server.codecs.inference_metadata import model_configuration, model_metadata, server_metadata
from server.codecs.inference_request import InferenceRequest
from server.codecs.inference_response import InferenceResponse
from server.codecs.tensor_specs import ModelSignature, model_signature, version
from server.inference.batch_executor import BatchQueue
from server.inference.cost_estimate import Pace
from server.inference.service import Batches, Inference
from server.inference.time_slice import Turns
from server.metrics.middleware import NetworkRecorder, Recorder
from server.models.catalog import NetworkCatalog
from server.models.network import Network
from server.problems import messages
from server.settings import ServerSettings

MEDIA_TYPES = ("application/json", "application/octet-stream")
JSON_BYTES = "Inference-Header-Content-Length"
# PERF: what takes longer leaves the event loop to others; see docs/decisions/batches.md.
LARGEST_ON_LOOP = 2_048  # bytes of JSON
LONGEST_ON_LOOP = 0.002  # seconds of a network, as its rows took before
LONGEST_NUMBER = 18  # digits: Python refuses thousands of them


class _Models:
    """The networks by the names and versions of paths."""

    def __init__(self, catalog: NetworkCatalog) -> None:
        self._catalog = catalog
        n_mfcc = catalog.contract.n_mfcc if catalog.contract else 0
        networks = catalog.networks.values()
        self._signatures = {network.name: model_signature(network, n_mfcc) for network in networks}

    def find(self, name: str, wanted: str | None) -> tuple[Network, ModelSignature]:
        """The network; raises a 404 or 503 problem."""
        network = find_network(self._catalog, name)
        if wanted is not None and wanted != version(network):
            raise problems.unknown_version(network.name, wanted, version(network))
        return network, self._signatures[network.name]

    def batches(self, maximum_rows: int) -> dict[str, Batches]:
        """The batches of all networks, by name."""
        return {
            network.name: Batches(network, self._signatures[network.name], maximum_rows)
            for network in self._catalog.networks.values()
        }


class InferenceResource:
    """`POST /v2/models/{name}/infer`."""

    def __init__(
        self,
        models: _Models,
        settings: ServerSettings,
        turns: Turns,
        recorders: Mapping[str, NetworkRecorder],
    ) -> None:
        self._models = models
        self._recorders = recorders
        self._turns = turns
        self._maximum_bytes = settings.maximum_batch_bytes
        self._queue = BatchQueue(settings.maximum_open_batch_bytes)
        self._paces = {name: Pace() for name in recorders}
        self._batches = models.batches(settings.maximum_batch_rows)

    async def on_post(
        self,
        req: Request,
        resp: Response,
        name: str,
        version: str | None = None,
    ) -> None:
        """Scores a batch of one row or more."""
        network, _ = self._models.find(name, version)
        json_bytes = _json_bytes(req)
        length = req.content_length
        if length is not None and length <= LARGEST_ON_LOOP:
            body = await read_body(req, self._maximum_bytes, MEDIA_TYPES)
            await self._on_loop(network, body, json_bytes, resp)
            return
        with self._queue.place(min(length or self._maximum_bytes, self._maximum_bytes)):
            body = await read_body(req, self._maximum_bytes, MEDIA_TYPES)
            await self._in_parts(network, body, json_bytes, resp)

    async def _on_loop(
        self, network: Network, body: bytes, json_bytes: int | None, resp: Response
    ) -> None:
        await self._turn()
        batches = self._batches[network.name]
        request = batches.read(body, json_bytes)
        inference = batches.score(request)
        self._answer(network, inference, batches.encode(request, inference.scores), resp)

    async def _turn(self) -> None:
        if (turn := self._turns.wait()) is not None:
            await turn

    async def _in_parts(
        self, network: Network, body: bytes, json_bytes: int | None, resp: Response
    ) -> None:
        """Each part stays on the event loop only where it is known to be quick."""
        batches = self._batches[network.name]
        read = partial(batches.read, body, json_bytes)
        is_short = json_bytes is not None and json_bytes <= LARGEST_ON_LOOP
        request = read() if is_short else await self._queue.parse(read)
        inference = await self._score(network, request)
        encode = partial(batches.encode, request, inference.scores)
        is_binary = all(wanted.binary and not wanted.classes for wanted in request.outputs)
        answer = encode() if is_binary else await self._queue.parse(encode)
        self._answer(network, inference, answer, resp)

    async def _score(self, network: Network, request: InferenceRequest) -> Inference:
        score = partial(self._batches[network.name].score, request)
        if not network.takes_vectors:  # a row may take any time
            return await self._queue.compute(score)
        pace, rows = self._paces[network.name], len(request.inputs["mfccs"])
        if pace.seconds(rows) <= LONGEST_ON_LOOP:
            await self._turn()
            inference = score()
        else:
            inference = await self._queue.compute(score)
        pace.observe(rows, inference.seconds)
        return inference

    def _answer(
        self, network: Network, inference: Inference, answer: InferenceResponse, resp: Response
    ) -> None:
        recorder = self._recorders[network.name]
        recorder.predicted_batch(inference.seconds, inference.scores.distance)
        resp.data = answer.content
        if answer.json_bytes is not None:
            resp.content_type = "application/octet-stream"
            resp.set_header(JSON_BYTES, str(answer.json_bytes))


def _json_bytes(req: Request) -> int | None:
    text = req.get_header(JSON_BYTES)
    if text is None:
        return None
    is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    if not is_number or not 0 < int(text) <= (req.content_length or 0):
        raise problems.invalid_inference_request(
            messages.INVALID_JSON_LENGTH,
            name=JSON_BYTES,
            found=problems.shortened(text),
            length=req.content_length,
        )
    return int(text)


class _Document:
    """A JSON document that never changes."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._body = msgspec.json.encode(members)

    async def on_get(self, _: Request, resp: Response) -> None:
        """Always 200."""
        resp.data = self._body

    on_head = on_get


class ReadinessResource:
    """`GET /v2/health/ready`: as `/readyz`."""

    def __init__(self, catalog: NetworkCatalog) -> None:
        self._faults = catalog.faults

    async def on_get(self, _: Request, resp: Response) -> None:
        """200, or 503 with every reason."""
        if self._faults:
            raise problems.not_ready(self._faults)
        resp.data = b'{"ready":true}'

    on_head = on_get


class ModelResource:
    """`GET /v2/models/{name}`, and what follows it: `/ready` and `/config`."""

    def __init__(self, models: _Models, maximum_rows: int) -> None:
        self._models = models
        self._maximum_rows = maximum_rows

    async def on_get(
        self, _: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """Its tensors, labels and quality."""
        network, tensors = self._models.find(name, version)
        resp.data = msgspec.json.encode(model_metadata(network, tensors))

    async def on_get_ready(
        self, _: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """200, 404 where there is none, 503 where its file must not be served."""
        network, __ = self._models.find(name, version)
        resp.data = msgspec.json.encode({"name": network.name, "ready": True})

    async def on_get_config(
        self, _: Request, resp: Response, name: str, version: str | None = None
    ) -> None:
        """What Triton's clients ask for."""
        network, tensors = self._models.find(name, version)
        document = model_configuration(network, tensors, self._maximum_rows)
        resp.data = msgspec.json.encode(document)


class RepositoryResource:
    """`POST /v2/repository/...`: models are not changed over this protocol."""

    async def on_post(self, *_: Any, **__: Any) -> None:
        """Always 501."""
        raise problems.repository_not_supported()


def add_routes(
    app: App,  # type: ignore[type-arg]
    catalog: NetworkCatalog,
    settings: ServerSettings,
    turns: Turns,
    recorder: Recorder,
) -> None:
    """Adds all of `/v2`."""
    app.add_route("/v2", _Document(server_metadata()))
    app.add_route("/v2/health/live", _Document({"live": True}))
    app.add_route("/v2/health/ready", ReadinessResource(catalog))
    models = _Models(catalog)
    model = ModelResource(models, settings.maximum_batch_rows)
    inference = InferenceResource(models, settings, turns, recorder.networks(catalog))
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        app.add_route(path, model)
        app.add_route(f"{path}/ready", model, suffix="ready")
        app.add_route(f"{path}/config", model, suffix="config")
        app.add_route(f"{path}/infer", inference)
    repository = RepositoryResource()
    app.add_route("/v2/repository/index", repository)
    app.add_route("/v2/repository/models/{name}/load", repository)
    app.add_route("/v2/repository/models/{name}/unload", repository)
