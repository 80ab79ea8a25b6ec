"""Work that cannot be done within the client's deadline is refused, or dropped before it runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.harness import DEADLINE, MFCCS, Server, free_port, running
from tests.support.inference import binary_request, inference_error
from tests.support.metrics import samples, value

HEADER = "X-Request-Timeout"
LONG: dict[str, Any] = binary_request(("mfccs", "FP32", np.zeros((16_384, 25), np.float32)))


@pytest.fixture(scope="module")
def operator_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def one_worker(
    nginx: Path, operator_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = {"SER_SERVER_WORKERS": 1, "SER_SERVER_OPERATOR_PORT": operator_port}
    with running(tmp_path_factory.mktemp("run"), **settings) as server:
        yield server


def counted(port: int, name: str, **labels: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE).text
    return value(samples(text), name, **labels)


def predict(server: Server, timeout: str) -> httpx.Response:
    headers = {HEADER: timeout}
    return server.client.post("/prediction/DNN", json={"mfccs": MFCCS}, headers=headers)


def infer(server: Server, timeout: str | None) -> httpx.Response:
    headers = LONG["headers"] | ({HEADER: timeout} if timeout else {})
    content = LONG["content"]
    return server.client.post("/v2/models/CNN/infer", content=content, headers=headers)


def test_an_answer_in_time_is_the_usual_one(one_worker: Server) -> None:
    answer = predict(one_worker, "60")
    assert answer.status_code == 200
    assert answer.json() == one_worker.predict()


def test_a_deadline_that_is_over_is_a_problem_of_its_own(one_worker: Server) -> None:
    answer = predict(one_worker, "0.000000001")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["type"] == "urn:problem:speech-emotion:deadline-exceeded"


@pytest.mark.parametrize("timeout", ["soon", "0", "1e3"])
def test_an_invalid_timeout_is_refused(one_worker: Server, timeout: str) -> None:
    answer = predict(one_worker, timeout)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:problem:speech-emotion:invalid-timeout"
    assert f"X-Request-Timeout is {timeout!r}; expected seconds" in answer.json()["detail"]


def test_a_timeout_of_the_request_itself_is_in_microseconds(one_worker: Server) -> None:
    def post(timeout: object) -> httpx.Response:
        tensor = {"name": "mfccs", "shape": [1, 25], "datatype": "FP32", "data": MFCCS}
        body = {"inputs": [tensor], "parameters": {"timeout": timeout}}
        return one_worker.client.post("/v2/models/DNN/infer", json=body)

    assert post(60_000_000).status_code == post(0).status_code == 200
    assert "within its timeout of 1e-06 seconds" in inference_error(post(1), 503)
    assert "parameters.timeout is -1; expected microseconds" in inference_error(post(-1), 400)


def test_a_batch_that_cannot_be_done_in_time_is_refused_at_once(
    one_worker: Server, operator_port: int
) -> None:
    assert infer(one_worker, None).status_code == 200  # the server measures a row
    before = counted(operator_port, "network_duration_seconds_count", network="CNN")
    assert "within its timeout of 0.2 seconds" in inference_error(infer(one_worker, "0.2"), 503)
    assert counted(operator_port, "network_duration_seconds_count", network="CNN") == before


def test_deadlines_that_were_exceeded_are_counted(one_worker: Server, operator_port: int) -> None:
    before = counted(operator_port, "deadlines_exceeded_total")
    predict(one_worker, "0.000000001")
    assert counted(operator_port, "deadlines_exceeded_total") == before + 1
