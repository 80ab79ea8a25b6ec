"""Slow bodies and slow readers: they block no one, and Nginx's memory stays bounded."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.stack.test_limits import QUEUE, check_inference_refused
from tests.stack.test_slow_clients import batch_of, connected_narrowly
from tests.support.harness import DEADLINE, Server, running, wait_until
from tests.support.inference import binary_request

BUDGET = 24_000_000  # bytes
INFER = "/v2/models/DNN/infer"


@pytest.fixture(scope="module")
def server(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with little memory for bodies, which may take very long."""
    limits = {
        "SER_SERVER_MAXIMUM_BODY_MEMORY_BYTES": BUDGET,
        "SER_SERVER_MAXIMUM_OPEN_REQUESTS": QUEUE,
        "SER_SERVER_BODY_TIMEOUT_SECONDS": 3_600,
        "SER_SERVER_HEADER_TIMEOUT_SECONDS": 3_600,
    }
    with running(tmp_path_factory.mktemp("run"), **limits) as server:
        yield server


def header(path: str, length: int) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()


@contextlib.contextmanager
def connections(server: Server, starts: list[bytes]) -> Iterator[list[socket.socket]]:
    """Connections that send these bytes, as far as the server reads them, and then wait."""
    with contextlib.ExitStack() as stack:
        opened = []
        for start in starts:
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE)
            opened.append(stack.enter_context(connection))
            with contextlib.suppress(ConnectionError):  # refused
                connection.sendall(start)
        yield opened


def post_batch(server: Server) -> httpx.Response:
    """Sends a batch of 2 MB on a new connection."""
    batch = binary_request(("mfccs", "FP32", np.zeros((20_000, 25), np.float32)))
    with httpx.Client(base_url=server.client.base_url, timeout=DEADLINE) as client:
        return client.post(INFER, **batch)


def nginx_bytes(server: Server) -> int:
    master = server.nginx()
    return sum(process.memory_full_info().pss for process in (master, *master.children()))


def test_announced_bodies_that_do_not_arrive_make_room(server: Server) -> None:
    idle = [header(INFER, 4_000_000)] * 16
    with connections(server, idle):
        wait_until(lambda: post_batch(server).status_code == 200, "room for a batch")
        with connections(server, idle):  # again, although the first ones were disconnected
            wait_until(lambda: post_batch(server).status_code == 200, "room for a batch")


def full_header(_: int) -> bytes:
    return b"GET /livez HTTP/1.1\r\n" + b"".join(b"X: %s\r\n" % (b"x" * 7_000) for _ in range(3))


# The start of requests that stay incomplete: how many, and the bytes that each may take in Nginx
# besides those that the budget limits.
INCOMPLETE: dict[str, tuple[Callable[[int], bytes], int, int]] = {
    "headers": (full_header, 400, 40_000),
    "small bodies": (lambda _: header("/prediction/DNN", 65_536) + b"1" * 65_000, 800, 16_000),
    "large bodies": (lambda _: header(INFER, 2_000_000) + b"1" * 1_999_999, 40, 64_000),
}


@pytest.mark.parametrize("kind", INCOMPLETE)
def test_incomplete_requests_take_bounded_memory(server: Server, kind: str) -> None:
    start, count, each = INCOMPLETE[kind]
    before = nginx_bytes(server)
    with connections(server, [start(number) for number in range(count)]):
        assert nginx_bytes(server) - before < BUDGET + count * each
        assert server.client.get("/livez").status_code == 200
        assert server.predict()


def test_an_answer_without_memory_is_refused(nginx: Path, tmp_path: Path) -> None:
    with (
        running(tmp_path, SER_SERVER_MAXIMUM_BODY_MEMORY_BYTES=1_500_000) as server,
        ThreadPoolExecutor(8) as clients,
    ):
        body = batch_of(4_000)

        def post(_: int) -> httpx.Response:
            with httpx.Client(base_url=server.client.base_url, timeout=DEADLINE) as client:
                return client.post(INFER, content=body)

        with connected_narrowly(server.port) as first, connected_narrowly(server.port) as second:
            for reader in (first, second):
                reader.sendall(header(INFER, len(body)) + body)
            answers: list[httpx.Response] = []

            def some_are_refused() -> bool:
                answers.extend(clients.map(post, range(24)))
                return any(answer.status_code == 503 for answer in answers)

            wait_until(some_are_refused, "a refusal")
        assert {answer.status_code for answer in answers} == {200, 503}
        for refused in (answer for answer in answers if answer.status_code == 503):
            check_inference_refused(refused, 503)


def test_slow_readers_of_large_answers_hold_no_place_at_the_workers(server: Server) -> None:
    body = batch_of(4_000)
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(connected_narrowly(server.port)) for _ in range(2 * QUEUE)]
        statuses = set()
        for reader in readers:
            reader.sendall(header(INFER, len(body)) + body)
            statuses.add(reader.recv(12))
        assert statuses <= {b"HTTP/1.1 200", b"HTTP/1.1 503"}
        for _ in range(QUEUE):
            assert server.predict()
        wait_until(lambda: post_batch(server).status_code == 200, "room for a batch")
