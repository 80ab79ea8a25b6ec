"""The threads of batches: only work that is known to be quick stays on the event loop."""

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from falcon.testing import TestClient

from server.app import create_app
from server.codecs.open_inference.request import BatchLimits, read_request
from server.codecs.open_inference.tensor_specs import model_signature
from server.inference.batch_executor import BatchExecutor
from server.inference.joint_runs import JointRuns
from server.inference.service import LARGEST_JSON_ON_LOOP, InferenceService
from server.inference.single_clips import SingleClips
from server.inference.time_slice import EventLoopTimeSlice
from server.metrics.network_metrics import network_metrics
from server.metrics.store import MetricStore
from server.models.batch_predictors import Scores
from server.models.catalog import NetworkCatalog, load_catalog
from server.models.network import Network
from server.models.predictors import Array, Lengths
from server.settings import ModelSettings, ServerSettings, Settings
from tests.server.api.inference_requests import JSON_BYTES, binary, infer, infer_binary, tensor

VECTORS = np.random.default_rng(0).uniform(-9, 9, (200, 25)).astype(np.float32)
FRAMES = VECTORS.reshape(4, 50, 25)
EVENT_LOOP = threading.current_thread().name


@pytest.fixture
def read_in(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that read bodies."""
    names: list[str] = []

    def recorded(*arguments: Any) -> Any:
        names.append(threading.current_thread().name)
        return read_request(*arguments)

    monkeypatch.setattr("server.inference.service.read_request", recorded)
    return names


@pytest.fixture
def computed_in() -> list[str]:
    """The threads that ran networks."""
    return []


@pytest.fixture
def client(models: Path, computed_in: list[str]) -> TestClient:
    catalog = load_catalog(models)
    networks = {name: recorded(network, computed_in) for name, network in catalog.networks.items()}
    return make_client(catalog, networks, models)


def make_client(
    catalog: NetworkCatalog, networks: Mapping[str, Network], models: Path
) -> TestClient:
    settings = Settings(ServerSettings(), ModelSettings(models))
    return TestClient(create_app(settings, replace(catalog, networks=networks)))


def recorded(network: Network, names: list[str]) -> Network:
    def predict_batch(
        mfccs: Array,
        lengths: Lengths | None = None,
        prosody: Array | None = None,
        baseline: Array | None = None,
    ) -> Scores:
        names.append(threading.current_thread().name)
        return network.predict_batch(mfccs, lengths, prosody, baseline)

    return replace(network, predict_batch=predict_batch)


def post_vectors(client: TestClient, **members: Any) -> bytes:
    document = {"inputs": [binary("mfccs", VECTORS)], **members}
    content: bytes = infer_binary(client, document, VECTORS.tobytes()).content
    return content


def test_a_batch_stays_on_the_loop_after_quick_batches(
    client: TestClient, computed_in: list[str]
) -> None:
    first = post_vectors(client)
    assert computed_in[0].startswith("networks")
    for _ in range(50):  # on a busy machine one quick batch may take several tries
        assert post_vectors(client) == first
        if computed_in[-1] == EVENT_LOOP:
            break
    assert computed_in[-1] == EVENT_LOOP


def test_frames_never_run_on_the_loop(client: TestClient, computed_in: list[str]) -> None:
    document = {"inputs": [binary("frames", FRAMES)]}
    for _ in range(2):
        assert infer_binary(client, document, FRAMES.tobytes(), model="TCN").status_code == 200
    assert all(name.startswith("networks") for name in computed_in)


def test_the_estimate_counts_rows_and_not_bytes(client: TestClient, computed_in: list[str]) -> None:
    row = VECTORS[:1]
    document = {"id": " " * 200, "inputs": [binary("mfccs", row)], "padding": " " * 1_000_000}
    assert infer_binary(client, document, row.tobytes()).status_code == 200
    many = np.zeros((65_536, 25), np.float32)
    infer_binary(client, {"inputs": [binary("mfccs", many)]}, many.tobytes())
    assert computed_in[1].startswith("networks")


def test_long_json_is_not_read_on_the_loop_whatever_its_media_type(
    client: TestClient, read_in: list[str]
) -> None:
    document: dict[str, Any] = {"inputs": [tensor("mfccs", VECTORS.round(3))]}
    assert infer(client, document).status_code == 200
    assert read_in == [EVENT_LOOP]  # not that long
    document |= {"padding": " " * LARGEST_JSON_ON_LOOP}
    assert infer(client, document).status_code == 200
    assert infer_binary(client, document).status_code == 200
    assert len(read_in) == 3
    assert all(name.startswith("codecs") for name in read_in[1:])


def test_clips_that_arrive_together_share_a_run(models: Path) -> None:
    catalog = load_catalog(models)
    network, runs = catalog.networks["tcn"], list[int]()

    def predict_batch(
        mfccs: Array,
        lengths: Lengths | None = None,
        prosody: Array | None = None,
        baseline: Array | None = None,
    ) -> Scores:
        runs.append(len(mfccs))
        return network.predict_batch(mfccs, lengths, prosody, baseline)

    service = make_service(replace(network, predict_batch=predict_batch), catalog)
    length = np.array([47], np.int64)
    document = {"inputs": [binary("frames", FRAMES[:1]), binary("lengths", length, "INT64")]}
    text = json.dumps(document).encode()

    def infer_one(clip: Array) -> Any:
        return service.infer(text + clip.tobytes() + length.tobytes(), len(text), perf_counter())

    async def infer_all() -> Any:
        return await asyncio.gather(*map(infer_one, FRAMES))

    asyncio.run(infer_all())  # measures the time of a run
    together = asyncio.run(infer_all())
    assert max(runs) > 1
    for clip, found in zip(FRAMES, together, strict=True):
        alone = json.loads(asyncio.run(infer_one(clip)).content)
        assert_same_outputs(json.loads(found.content), alone)


def assert_same_outputs(found: Any, expected: Any) -> None:
    """The same answers but for rounding."""
    for one, other in zip(found.pop("outputs"), expected.pop("outputs"), strict=True):
        assert np.allclose(one.pop("data"), other.pop("data"), rtol=1e-5, atol=1e-6)
        assert one == other
    assert found == expected


def make_service(network: Network, catalog: NetworkCatalog) -> InferenceService:
    time_slice = EventLoopTimeSlice(60)  # however slow the machine is
    return InferenceService(
        network,
        model_signature(network, 25),
        BatchLimits(100, 100),
        BatchExecutor(2**20),
        time_slice,
        network_metrics(MetricStore.in_memory(), catalog)[network.name],
        SingleClips(network, JointRuns(network, time_slice), time_slice),
    )


def test_a_header_with_thousands_of_digits_is_refused(client: TestClient) -> None:
    answer = infer(client, b"{}", headers={JSON_BYTES: "9" * 5_000})
    assert answer.status_code == 400
