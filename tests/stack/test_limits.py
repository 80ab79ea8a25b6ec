"""Clients that are slow, or too many, are cut off or refused; others are served meanwhile."""

import contextlib
import http.client
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from server.settings import ServerSettings
from tests.stack.test_bad_input import check_problem
from tests.stack.test_logs import find
from tests.support.harness import DEADLINE, MFCCS, Server, running, wait_until

FLAGS = [(), ("--without-nginx",)]
HEADER = b"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"


@pytest.fixture(scope="module", params=FLAGS)
def hasty(
    nginx: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that waits for some seconds only."""
    times = {
        "SER_SERVER_HEADER_TIMEOUT_SECONDS": 3,
        "SER_SERVER_BODY_TIMEOUT_SECONDS": 5,
        "SER_SERVER_SEND_TIMEOUT_SECONDS": 1,
        "SER_SERVER_IDLE_TIMEOUT_SECONDS": 2,
    }
    with running(tmp_path_factory.mktemp("run"), *request.param, **times) as server:
        yield server


def drip(connection: socket.socket, pieces: Iterator[bytes]) -> bytes:
    """Sends a piece at a time until the server closes; returns what it said."""
    connection.settimeout(0.2)
    said = b""
    for piece in pieces:
        with contextlib.suppress(TimeoutError):
            received = connection.recv(65_536)
            if not received:
                return said
            said += received
        try:
            connection.sendall(piece)
        except OSError:
            return said
    pytest.fail("the server took all of it")


@pytest.mark.parametrize("start", [b"GET /livez HTTP/1.1\r\nX: ", HEADER], ids=["header", "body"])
def test_a_slow_client_is_cut_off_however_steadily_it_sends(hasty: Server, start: bytes) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.sendall(start)
        said = drip(connection, iter([b"1"] * 300))  # a minute
    assert said == b"" or said.startswith(b"HTTP/1.1 408")
    assert hasty.predict()


def test_a_client_that_says_nothing_is_cut_off(hasty: Server) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=60) as connection:
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert said == b"" or said.startswith(b"HTTP/1.1 408")


@contextlib.contextmanager
def connected_narrowly(port: int) -> Iterator[socket.socket]:
    """A connection for which the kernel keeps little of what nobody reads."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        connection.settimeout(DEADLINE)
        connection.connect(("127.0.0.1", port))
        yield connection


def batch_of(rows: int) -> bytes:
    """Vectors, in JSON."""
    shape = [rows, 25]
    given = {"name": "mfccs", "datatype": "FP32", "shape": shape, "data": [0] * rows * 25}
    return json.dumps({"inputs": [given]}).encode()


# Requests whose answers are far larger than what the kernel and Nginx keep.
LARGE_ANSWERS = {
    "file": ("GET /init/mfcc.onnx", b""),
    "batch": ("POST /v2/models/DNN/infer", batch_of(10_000)),
}


@pytest.mark.parametrize("hasty", FLAGS[:1], indirect=True)
@pytest.mark.parametrize("name", LARGE_ANSWERS)
def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(hasty: Server, name: str) -> None:
    line, body = LARGE_ANSWERS[name]
    headers = f"Host: a\r\nX-Request-Id: {name}\r\nContent-Length: {len(body)}\r\n"
    with connected_narrowly(hasty.port) as connection:
        connection.sendall(f"{line} HTTP/1.1\r\n{headers}\r\n".encode() + body)
        end = find(hasty, name)  # in the log, where Nginx is done with it
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert end["duration_ms"] < 1_000 * ServerSettings().send_timeout_seconds
    header, _, content = said.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", header)
    assert length
    assert len(content) < int(length[1])
    assert hasty.predict()


@pytest.mark.parametrize("hasty", FLAGS[:1], indirect=True)
def test_a_connection_that_rests_too_long_is_closed(hasty: Server) -> None:
    longest = ServerSettings().idle_timeout_seconds
    connection = http.client.HTTPConnection("127.0.0.1", hasty.port, timeout=longest / 2)
    used = []
    for _ in range(2):
        connection.request("GET", "/livez")
        assert connection.getresponse().read()
        used.append(connection.sock)
    assert used[0] is used[1]
    assert used[0].recv(1) == b""
    connection.close()


def test_a_body_in_parts_is_taken_in_time(hasty: Server) -> None:
    def parts() -> Iterator[bytes]:
        yield b'{"mfccs":['
        time.sleep(0.3)
        yield ",".join(map(str, MFCCS)).encode()
        time.sleep(0.3)
        yield b"]}"

    answer = hasty.client.post("/prediction/DNN", content=parts())
    assert answer.json() == hasty.predict()


def check_retry(response: httpx.Response, status: int) -> None:
    check_problem(response, status)
    assert int(response.headers["retry-after"]) >= 1


@pytest.mark.parametrize("flags", FLAGS)
def test_too_many_requests_from_an_address_are_refused(
    nginx: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    limits = {"SER_SERVER_REQUESTS_PER_SECOND_PER_ADDRESS": 5, "SER_SERVER_WORKERS": 1}
    with running(tmp_path, *flags, **limits) as server:
        wait_until(lambda: server.client.get("/init/configuration").status_code == 429, "a refusal")
        answers = [server.client.get("/init/configuration") for _ in range(20)]
        refused = [answer for answer in answers if answer.status_code != 200]
        assert refused
        for answer in refused:
            check_retry(answer, 429)
        assert {server.client.get("/livez").status_code for _ in range(20)} == {200}
        wait_until(lambda: server.client.get("/init/configuration").status_code == 200, "an answer")


@contextlib.contextmanager
def open_requests(server: Server, count: int) -> Iterator[None]:
    """Requests whose body does not come."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            address = ("127.0.0.1", server.port)
            connection = stack.enter_context(socket.create_connection(address))
            connection.sendall(HEADER)
        yield


def status_is(server: Server, status: int) -> Callable[[], bool]:
    return lambda: server.client.get("/init/configuration").status_code == status


@pytest.mark.parametrize("flags", FLAGS)
def test_too_many_connections_from_an_address_are_refused(
    nginx: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    limits = {"SER_SERVER_CONNECTIONS_PER_ADDRESS": 3, "SER_SERVER_WORKERS": 1}
    with running(tmp_path, *flags, **limits) as server:
        with contextlib.ExitStack() as stack:

            def is_refused_after_one_more() -> bool:
                stack.enter_context(open_requests(server, 1))
                return status_is(server, 429)()

            wait_until(is_refused_after_one_more, "a refusal")
            check_retry(server.client.get("/init/configuration"), 429)
        wait_until(status_is(server, 200), "an answer")


def test_a_full_queue_is_refused_at_once_and_the_rest_is_answered(
    nginx: Path, tmp_path: Path
) -> None:
    queue = 20
    answers: list[httpx.Response] = []

    def ask() -> None:
        with httpx.Client(base_url=server.client.base_url, timeout=60) as client:
            answers.append(client.post("/prediction/DNN", json={"mfccs": MFCCS}))

    with running(tmp_path, SER_SERVER_MAXIMUM_OPEN_REQUESTS=queue) as server:
        expected = server.predict()
        workers = server.workers()
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
        threads = [threading.Thread(target=ask) for _ in range(2 * queue)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) == queue, "the refusals")
        for answer in answers:
            check_retry(answer, 503)
        for worker in workers:
            worker.send_signal(signal.SIGCONT)
        for thread in threads:
            thread.join()
    assert [answer.json() for answer in answers[queue:]] == [expected] * queue


def test_a_worker_alone_refuses_what_it_cannot_take(tmp_path: Path) -> None:
    limits = {"SER_SERVER_MAXIMUM_OPEN_REQUESTS": 20, "SER_SERVER_WORKERS": 1}
    with running(tmp_path, "--without-nginx", **limits) as server:
        with open_requests(server, 20):
            wait_until(status_is(server, 503), "a refusal")
            check_retry(server.client.get("/init/configuration"), 503)
            assert server.client.get("/livez").status_code == 200
        wait_until(status_is(server, 200), "an answer")


def test_health_is_asked_for_behind_no_queue(nginx: Path, tmp_path: Path) -> None:
    """Requests that wait for their body do not count as open."""
    with (
        running(tmp_path, SER_SERVER_MAXIMUM_OPEN_REQUESTS=20) as server,
        open_requests(server, 100),
    ):
        assert server.client.get("/livez").status_code == 200
        assert server.predict()


def test_large_bodies_together_take_no_more_memory_than_they_may(
    nginx: Path, tmp_path: Path
) -> None:
    limits = {
        "SER_SERVER_MAXIMUM_BODY_BYTES": 500_000,
        "SER_SERVER_MAXIMUM_BODY_MEMORY_BYTES": 1_000_000,
    }
    large = json.dumps({"mfccs": [[0.5] * 25] * 1000})
    header = b"POST /prediction/TCN HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n"

    def ask() -> httpx.Response:
        return server.client.post(
            "/prediction/TCN",
            content=large,
            headers={"Content-Type": "application/json", "Connection": "close"},
        )

    with running(tmp_path, **limits) as server:
        with contextlib.ExitStack() as stack:

            def is_refused_after_one_more() -> bool:
                address = ("127.0.0.1", server.port)
                connection = stack.enter_context(socket.create_connection(address))
                connection.sendall(header)
                return ask().status_code == 503

            wait_until(is_refused_after_one_more, "a refusal")
            assert server.predict()
        wait_until(lambda: {ask().status_code for _ in range(10)} == {200}, "room again")
