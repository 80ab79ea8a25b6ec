"""The Open Inference Protocol on a running server."""

from pathlib import Path

import numpy as np
import pytest

from server.models.predictors import Array
from tests.support.access_log import find_request
from tests.support.harness import Server, running
from tests.support.inference import binary_request, inference_error, predicted, probabilities


@pytest.fixture(scope="module")
def vectors() -> Array:
    """Vectors with the scale of speech: (50, 25)."""
    scale = np.array([100.0, 50.0, *[20.0] * 23])
    return np.random.default_rng(0).normal(0, scale, (50, 25)).astype(np.float32)


@pytest.mark.parametrize("network", ["DNN", "CNN"])
def test_a_batch_of_vectors_equals_single_predictions(
    server: Server, vectors: Array, network: str
) -> None:
    request = binary_request(("mfccs", "FP32", vectors))
    found = probabilities(server.client.post(f"/v2/models/{network}/infer", **request))
    expected = [predicted(server, network, vector) for vector in vectors]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_batch_of_frames_equals_single_predictions(server: Server) -> None:
    random = np.random.default_rng(1)
    lengths = random.integers(10, 150, 12).astype("<i8")
    frames = random.normal(0, 30, (12, 150, 25)).astype(np.float32)
    request = binary_request(("frames", "FP32", frames), ("lengths", "INT64", lengths))
    found = probabilities(server.client.post("/v2/models/TCN/infer", **request))
    expected = [
        predicted(server, "TCN", utterance[:length])
        for utterance, length in zip(frames, lengths, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("network", ["DNN", "CNN"])
def test_predictions_without_nginx_are_the_same(
    server: Server, gunicorn_alone: Server, vectors: Array, network: str
) -> None:
    expected = predicted(server, network, vectors[0])
    assert predicted(gunicorn_alone, network, vectors[0]) == expected
    request = binary_request(("mfccs", "FP32", vectors[:1]))
    found = probabilities(gunicorn_alone.client.post(f"/v2/models/{network}/infer", **request))
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-5)


def test_json_equals_a_single_prediction(server: Server, vectors: Array) -> None:
    given = {"name": "mfccs", "datatype": "FP32", "shape": [1, 25], "data": vectors[:1].tolist()}
    answer = server.client.post("/v2/models/DNN/infer", json={"inputs": [given]}).json()
    expected = predicted(server, "DNN", vectors[0])
    np.testing.assert_allclose(answer["outputs"][0]["data"], expected, rtol=0, atol=1e-5)


def test_the_largest_batch_is_answered(server: Server) -> None:
    rows = np.random.default_rng(2).normal(0, 50, (65_536, 25)).astype(np.float32)
    request = binary_request(("mfccs", "FP32", rows))
    found = probabilities(server.client.post("/v2/models/DNN/infer", **request))
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    expected = predicted(server, "DNN", rows[-1])
    np.testing.assert_allclose(found[-1], expected, rtol=0, atol=1e-5)


def test_too_large_a_body_is_the_protocols_error(server: Server) -> None:
    response = server.client.post("/v2/models/DNN/infer", content=b" " * 8_388_609)
    assert inference_error(response, 413) == "The body is larger than 8,388,608 bytes."


def test_an_unreachable_worker_is_the_protocols_error(nginx: Path, tmp_path: Path) -> None:
    # A server of its own: the shared one has open connections to its workers.
    with running(tmp_path) as server:
        (address,) = tmp_path.glob("*/gunicorn.sock")
        address.rename(address.with_suffix(".gone"))
        assert "No worker" in inference_error(server.client.get("/v2/models/DNN"), 502)


LOGGED = {
    "/v2": ("/v2", ""),
    "/v2/health/live": ("/v2/health/live", ""),
    "/v2/models/DNN": ("/v2/models/{name}", "DNN"),
    "/v2/models/DNN/ready?x=1": ("/v2/models/{name}/ready", "DNN"),
    "/v2/models/DNN/versions/1/config": ("/v2/models/{name}/versions/{version}/config", "DNN"),
}


@pytest.mark.parametrize("path", LOGGED)
def test_the_log_has_the_route_and_the_network(server: Server, path: str) -> None:
    request_id = f"test-{list(LOGGED).index(path)}"
    server.client.get(path, headers={"X-Request-Id": request_id})
    line = find_request(server, request_id)
    assert (line["route"], line["network"]) == LOGGED[path]
