"""Limits: requests beyond them are refused, and the others are answered."""

import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from server.settings import ServerSettings
from tests.support.harness import MFCCS, Server, open_requests, open_until, running, wait_until
from tests.support.inference import binary_request, inference_error
from tests.support.openapi import description
from tests.support.problems import check_problem

QUEUE = 20


def check_refused(response: httpx.Response, status: int) -> None:
    """Asserts that the response is a problem document with the documented detail."""
    assert check_problem(response, status)["detail"] == documented_detail(status)
    assert int(response.headers["retry-after"]) >= 1


def check_inference_refused(response: httpx.Response, status: int) -> None:
    """Asserts that the response is an error of the Open Inference Protocol."""
    assert inference_error(response, status) == documented_detail(status)
    assert int(response.headers["retry-after"]) >= 1


CHECKS = {"/init/configuration": check_refused, "/v2": check_inference_refused}


def documented_detail(status: int) -> str:
    """The example of the refusal in server/openapi.yaml."""
    response = description()["components"]["responses"][{429: "Refused", 503: "Failed"}[status]]
    example = response["content"]["application/problem+json"]["example"]
    assert example["status"] == status
    detail: str = example["detail"]
    return detail


def test_requests_over_the_rate_of_an_address_are_refused(nginx: Path, tmp_path: Path) -> None:
    limits = {"SER_SERVER_REQUESTS_PER_SECOND_PER_ADDRESS": 5, "SER_SERVER_WORKERS": 1}
    with running(tmp_path, **limits) as server:

        def get() -> httpx.Response:
            return server.client.get("/init/configuration")

        wait_until(lambda: get().status_code == 429, "a refusal")
        refused = [answer for answer in (get() for _ in range(20)) if answer.status_code != 200]
        assert refused
        for answer in refused:
            check_refused(answer, 429)
        assert {server.client.get("/livez").status_code for _ in range(20)} == {200}
        wait_until(lambda: get().status_code == 200, "an answer")


@pytest.fixture(scope="module")
def few_connections(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {"SER_SERVER_CONNECTIONS_PER_ADDRESS": 3, "SER_SERVER_WORKERS": 1}
    with running(tmp_path_factory.mktemp("run"), **limits) as server:
        yield server


@pytest.mark.parametrize("path", CHECKS)
def test_too_many_connections_from_an_address_are_refused(
    few_connections: Server, path: str
) -> None:
    def get() -> httpx.Response:
        return few_connections.client.get(path)

    with open_until(few_connections, 429, get):
        CHECKS[path](get(), 429)
    wait_until(lambda: get().status_code == 200, "an answer")


@pytest.fixture(scope="module")
def short_queue(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {"SER_SERVER_MAXIMUM_OPEN_REQUESTS": QUEUE}
    with running(tmp_path_factory.mktemp("run"), **limits) as server:
        yield server


def predict(client: httpx.Client) -> httpx.Response:
    return client.post("/prediction/DNN", json={"mfccs": MFCCS})


def read_metadata(client: httpx.Client) -> httpx.Response:
    return client.get("/v2/models/DNN")


@pytest.mark.parametrize(
    ("send", "check"),
    [(predict, check_refused), (read_metadata, check_inference_refused)],
    ids=["prediction", "open inference"],
)
def test_requests_beyond_the_queue_are_refused_and_the_others_answered(
    short_queue: Server,
    send: Callable[[httpx.Client], httpx.Response],
    check: Callable[[httpx.Response, int], None],
) -> None:
    answers: list[httpx.Response] = []

    def ask(_: int) -> None:
        with httpx.Client(base_url=short_queue.client.base_url, timeout=60) as client:
            answers.append(send(client))

    expected = send(short_queue.client).json()
    with ThreadPoolExecutor(2 * QUEUE) as clients, stopped_workers(short_queue):
        clients.map(ask, range(2 * QUEUE))
        wait_until(lambda: len(answers) == QUEUE, "the refusals")
        for answer in answers:
            check(answer, 503)
    assert [answer.json() for answer in answers[QUEUE:]] == [expected] * QUEUE


def test_a_large_batch_beyond_the_queue_is_refused_as_a_small_one(short_queue: Server) -> None:
    batch = binary_request(("mfccs", "FP32", np.zeros((16_384, 25), np.float32)))
    statuses: list[int] = []

    def ask(_: int) -> None:
        with httpx.Client(base_url=short_queue.client.base_url, timeout=60) as client:
            statuses.append(predict(client).status_code)

    with ThreadPoolExecutor(2 * QUEUE) as clients, stopped_workers(short_queue):
        clients.map(ask, range(2 * QUEUE))
        wait_until(lambda: len(statuses) == QUEUE, "a full queue")
        refused = short_queue.client.post("/v2/models/DNN/infer", **batch)
    assert len(batch["content"]) > ServerSettings().maximum_body_bytes
    check_inference_refused(refused, 503)
    assert sorted(statuses) == [200] * QUEUE + [503] * QUEUE


def test_names_of_unknown_files_beyond_the_queue_are_refused(short_queue: Server) -> None:
    """Nginx serves the files of networks itself, and asks the workers about all other names."""
    unknown = "/init/networks/Unknown.onnx"
    check_problem(short_queue.client.get(unknown), 404)
    statuses: list[int] = []

    def ask(_: int) -> None:
        with httpx.Client(base_url=short_queue.client.base_url, timeout=60) as client:
            statuses.append(client.get(unknown).status_code)

    with ThreadPoolExecutor(2 * QUEUE) as clients, stopped_workers(short_queue):
        clients.map(ask, range(2 * QUEUE))
        wait_until(lambda: len(statuses) == QUEUE, "a full queue")
        check_refused(predict(short_queue.client), 503)
        assert short_queue.client.get("/init/networks/DNN.onnx").status_code == 200
    assert sorted(statuses) == [404] * QUEUE + [503] * QUEUE


@contextlib.contextmanager
def stopped_workers(server: Server) -> Iterator[None]:
    workers = server.workers()
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)


def test_requests_that_wait_for_their_body_do_not_fill_the_queue(short_queue: Server) -> None:
    with open_requests(short_queue, 5 * QUEUE):
        assert short_queue.client.get("/livez").status_code == 200
        assert short_queue.predict()


def test_large_bodies_beyond_the_memory_limit_are_refused(nginx: Path, tmp_path: Path) -> None:
    limits = {
        "SER_SERVER_MAXIMUM_BODY_BYTES": 500_000,
        "SER_SERVER_MAXIMUM_BODY_MEMORY_BYTES": 1_000_000,
    }
    large = json.dumps({"mfccs": [[0.5] * 25] * 1000})
    headers = {"Content-Type": "application/json", "Connection": "close"}
    with running(tmp_path, **limits) as server:

        def post() -> httpx.Response:
            return server.client.post("/prediction/TCN", content=large, headers=headers)

        with open_until(server, 503, post, length=500_000):
            assert server.predict()
        wait_until(lambda: {post().status_code for _ in range(10)} == {200}, "room again")


def test_batches_beyond_the_memory_limit_are_refused(nginx: Path, tmp_path: Path) -> None:
    limits = {"SER_SERVER_MAXIMUM_OPEN_BATCH_BYTES": 3_000_000, "SER_SERVER_WORKERS": 1}
    batch: dict[str, Any] = binary_request(("mfccs", "FP32", np.zeros((8_192, 25), np.float32)))

    def post(_: int) -> httpx.Response:
        with httpx.Client(base_url=server.client.base_url, timeout=60) as client:
            return client.post("/v2/models/CNN/infer", **batch)

    with running(tmp_path, **limits) as server, ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(post, range(8)))
        assert {answer.status_code for answer in answers} == {200, 503}
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert "batches" in inference_error(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1
        assert post(0).status_code == 200
