"""Timeouts: slow clients are disconnected, and the others are served meanwhile."""

import contextlib
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from server.settings import ServerSettings
from tests.support.access_log import find_request
from tests.support.harness import DEADLINE, MFCCS, Server, running

SLOW_REQUESTS = {
    "slow header": b"GET /livez HTTP/1.1\r\nX: ",
    "slow body": b"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
}
SILENT = "silent"
MANY = 60


@pytest.fixture(scope="module")
def server(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with short timeouts."""
    times = {
        "SER_SERVER_HEADER_TIMEOUT_SECONDS": 3,
        "SER_SERVER_BODY_TIMEOUT_SECONDS": 5,
        "SER_SERVER_SEND_TIMEOUT_SECONDS": 1,
        "SER_SERVER_IDLE_TIMEOUT_SECONDS": 2,
        "SER_SERVER_MINIMUM_ANSWER_BYTES_PER_SECOND": 1_000_000,
    }
    with running(tmp_path_factory.mktemp("run"), **times) as server:
        yield server


def send_slowly(port: int, start: bytes) -> bytes | None:
    """Sends a byte at a time, up to a minute; returns the answer, None if still connected."""
    said = b""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(start)
        connection.settimeout(0.2)
        for _ in range(300):
            try:
                with contextlib.suppress(TimeoutError):
                    received = connection.recv(65_536)
                    if not received:
                        return said
                    said += received
                connection.sendall(b"1")
            except OSError:  # the server closed the connection before it read the last byte
                return said
    return None


def send_nothing(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.fixture(scope="module")
def answers(server: Server) -> dict[str, bytes | None]:
    """The answers to all slow clients, which are connected at the same time."""
    with ThreadPoolExecutor() as clients:
        found = {
            name: clients.submit(send_slowly, server.port, start)
            for name, start in SLOW_REQUESTS.items()
        }
        silent = clients.submit(send_nothing, server.port)
        assert server.predict()
        return {name: future.result() for name, future in found.items()} | {SILENT: silent.result()}


@pytest.mark.parametrize("name", [*SLOW_REQUESTS, SILENT])
def test_a_slow_client_is_disconnected(
    server: Server, answers: dict[str, bytes | None], name: str
) -> None:
    said = answers[name]
    assert said is not None
    assert said == b"" or said.startswith(b"HTTP/1.1 408")
    assert server.predict()


def test_many_slow_bodies_at_once_are_ended(server: Server) -> None:
    """Some of them wait for less than a millisecond at the end, which must not be for ever."""
    bodies = [SLOW_REQUESTS["slow body"]] * MANY
    with ThreadPoolExecutor(MANY) as clients:
        said = list(clients.map(partial(send_slowly, server.port), bodies))
    assert None not in said


@contextlib.contextmanager
def connected_narrowly(port: int) -> Iterator[socket.socket]:
    """A connection with the smallest receive buffer that the kernel allows."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        connection.settimeout(DEADLINE)
        connection.connect(("127.0.0.1", port))
        yield connection


def batch_of(rows: int) -> bytes:
    """A JSON request for a batch of vectors."""
    shape = [rows, 25]
    given = {"name": "mfccs", "datatype": "FP32", "shape": shape, "data": [0] * rows * 25}
    return json.dumps({"inputs": [given]}).encode()


# Requests whose answers are far larger than the buffers of the kernel and of Nginx.
LARGE_ANSWERS = {
    "file": ("GET /init/mfcc.onnx", b""),
    "batch": ("POST /v2/models/DNN/infer", batch_of(10_000)),
}


@pytest.mark.parametrize("name", LARGE_ANSWERS)
def test_a_client_that_does_not_read_its_answer_is_disconnected(server: Server, name: str) -> None:
    line, body = LARGE_ANSWERS[name]
    headers = f"Host: a\r\nX-Request-Id: {name}\r\nContent-Length: {len(body)}\r\n"
    with connected_narrowly(server.port) as connection:
        connection.sendall(f"{line} HTTP/1.1\r\n{headers}\r\n".encode() + body)
        end = find_request(server, name)  # Nginx logs a request when it has ended
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert end["duration_ms"] < 1_000 * ServerSettings().send_timeout_seconds
    header, _, content = said.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", header)
    assert length
    assert len(content) < int(length[1])
    assert server.predict()


def test_a_client_that_reads_its_answer_slowly_is_disconnected(server: Server) -> None:
    size = len(server.client.get("/init/mfcc.onnx").content)
    received = 0
    with connected_narrowly(server.port) as connection:
        connection.sendall(b"GET /init/mfcc.onnx HTTP/1.1\r\nHost: a\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(5_000):
                received += len(part)
                time.sleep(0.02)  # never a pause as long as the timeout
    assert received < size


def test_an_idle_connection_is_closed(server: Server) -> None:
    longest = ServerSettings().idle_timeout_seconds
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=longest / 2)
    used = []
    for _ in range(2):
        connection.request("GET", "/livez")
        assert connection.getresponse().read()
        used.append(connection.sock)
    assert used[0] is used[1]
    assert used[0].recv(1) == b""
    connection.close()


def test_a_chunked_body_with_pauses_is_accepted(server: Server) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"mfccs":['
        time.sleep(0.3)
        yield ",".join(map(str, MFCCS)).encode()
        time.sleep(0.3)
        yield b"]}"

    answer = server.client.post("/prediction/DNN", content=chunks())
    assert answer.json() == server.predict()
