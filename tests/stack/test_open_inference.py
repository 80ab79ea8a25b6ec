"""The Open Inference Protocol, from the running stack and from Gunicorn alone."""

import contextlib
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from server.models.predictors import Array
from tests.stack.test_limits import FLAGS, open_requests
from tests.support.harness import Server, running, wait_until

JSON_BYTES = "Inference-Header-Content-Length"


@pytest.fixture(scope="module")
def vectors() -> Array:
    """As they come from speech, roughly: (50, 25)."""
    scale = np.array([100.0, 50.0, *[20.0] * 23])
    return np.random.default_rng(0).normal(0, scale, (50, 25)).astype(np.float32)


def binary_request(*tensors: tuple[str, str, NDArray[Any]]) -> dict[str, Any]:
    """What httpx needs to post a request whose answer is to be binary too."""
    inputs = [
        {
            "name": name,
            "datatype": datatype,
            "shape": values.shape,
            "parameters": {"binary_data_size": values.nbytes},
        }
        for name, datatype, values in tensors
    ]
    text = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    content = b"".join([text, *(values.tobytes() for *_, values in tensors)])
    return {"content": content, "headers": {JSON_BYTES: str(len(text))}}


def probabilities(response: httpx.Response) -> Array:
    """The first output of a binary answer."""
    assert response.status_code == 200, response.text
    json_bytes = int(response.headers[JSON_BYTES])
    shape = json.loads(response.content[:json_bytes])["outputs"][0]["shape"]
    count = int(np.prod(shape))
    return np.frombuffer(response.content, "<f4", count, json_bytes).reshape(shape)


def predicted(server: Server, network: str, mfccs: Array) -> list[float]:
    answer = server.client.post(f"/prediction/{network}", json={"mfccs": mfccs.tolist()})
    assert answer.status_code == 200, answer.text
    return [result["prediction"] for result in answer.json()["results"]]


@pytest.mark.parametrize("network", ["DNN", "CNN"])
def test_a_batch_of_vectors_says_what_prediction_says(
    server: Server, vectors: Array, network: str
) -> None:
    request = binary_request(("mfccs", "FP32", vectors))
    found = probabilities(server.client.post(f"/v2/models/{network}/infer", **request))
    expected = [predicted(server, network, vector) for vector in vectors]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_batch_of_frames_says_what_prediction_says(server: Server) -> None:
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


def test_json_says_what_prediction_says(server: Server, vectors: Array) -> None:
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


def error_of(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert list(document) == ["error"]
    text: str = document["error"]
    return text


def test_a_body_that_is_too_large_gets_the_protocols_error(server: Server) -> None:
    response = server.client.post("/v2/models/DNN/infer", content=b" " * 8_388_609)
    assert error_of(response, 413) == "The body is larger than 8,388,608 bytes."


def test_no_answer_gets_the_protocols_error(nginx: Path, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        (address,) = tmp_path.glob("*/gunicorn.sock")
        address.rename(address.with_suffix(".gone"))
        assert "No worker" in error_of(server.client.get("/v2/models/DNN"), 502)


@pytest.mark.parametrize("flags", FLAGS)
def test_too_many_requests_get_the_protocols_error(
    nginx: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    limits = {"SER_SERVER_CONNECTIONS_PER_ADDRESS": 2, "SER_SERVER_WORKERS": 1}
    with running(tmp_path, *flags, **limits) as server, contextlib.ExitStack() as stack:

        def is_refused_after_one_more() -> bool:
            stack.enter_context(open_requests(server, 1))
            return server.client.get("/v2").status_code == 429

        wait_until(is_refused_after_one_more, "a refusal")
        response = server.client.get("/v2")
        assert "this address" in error_of(response, 429)
        assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("flags", FLAGS)
def test_batches_beyond_what_memory_bears_are_refused(
    nginx: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    limits = {"SER_SERVER_MAXIMUM_OPEN_BATCH_BYTES": 3_000_000, "SER_SERVER_WORKERS": 1}
    rows = np.zeros((8_192, 25), np.float32)
    request = binary_request(("mfccs", "FP32", rows))

    def ask(_: int) -> httpx.Response:
        with httpx.Client(base_url=server.client.base_url, timeout=60) as client:
            return client.post("/v2/models/CNN/infer", **request)

    with running(tmp_path, *flags, **limits) as server, ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(ask, range(8)))
        assert {answer.status_code for answer in answers} == {200, 503}
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert "batches" in error_of(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1
        assert ask(0).status_code == 200


def test_a_full_queue_gets_the_protocols_error(nginx: Path, tmp_path: Path) -> None:
    answers: list[httpx.Response] = []

    def ask(_: int) -> None:
        with httpx.Client(base_url=server.client.base_url, timeout=60) as client:
            answers.append(client.get("/v2/models/DNN"))

    with running(tmp_path, SER_SERVER_MAXIMUM_OPEN_REQUESTS=20) as server:
        workers = server.workers()
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
        with ThreadPoolExecutor(40) as clients:
            clients.map(ask, range(40))
            wait_until(lambda: len(answers) == 20, "the refusals")
            for worker in workers:
                worker.send_signal(signal.SIGCONT)
    for answer in answers[:20]:
        assert "as they may have" in error_of(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1


LOGGED = {
    "/v2": ("/v2", ""),
    "/v2/health/live": ("/v2/health/live", ""),
    "/v2/models/DNN": ("/v2/models/{name}", "DNN"),
    "/v2/models/DNN/ready?x=1": ("/v2/models/{name}/ready", "DNN"),
    "/v2/models/DNN/versions/1/config": ("/v2/models/{name}/versions/{version}/config", "DNN"),
}


@pytest.mark.parametrize("path", LOGGED)
def test_the_log_has_the_route_and_the_network(server: Server, path: str) -> None:
    server.client.get(path, headers={"X-Request-Id": f"test-{abs(hash(path))}"})
    lines: list[dict[str, Any]] = []

    def is_logged() -> bool:
        text = [line for line in server.lines if f"test-{abs(hash(path))}" in line]
        lines[:] = map(json.loads, text)
        return bool(lines)

    wait_until(is_logged, "its line in the log")
    assert (lines[-1]["route"], lines[-1]["network"]) == LOGGED[path]
