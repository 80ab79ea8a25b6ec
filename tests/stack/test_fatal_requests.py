"""Requests that lose their worker are sent again, but not without bound."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.applications.fatal import FATAL, KILLS_VARIABLE
from tests.support.harness import DEADLINE, MFCCS, PYTHON, Load, Server, running, wait_until

RUN = """
import sys
from server.launch.launcher import find_nginx, run
from server.settings import load_settings
sys.exit(run(load_settings(), find_nginx(), "tests.support.applications.fatal:get_app()"))
"""
MOST_TRIES = 3
CONNECTIONS = 16


@pytest.fixture(scope="module")
def kills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kills") / "kills"
    path.touch()
    return path


@pytest.fixture(scope="module")
def server(nginx: Path, kills: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    runtime = tmp_path_factory.mktemp("run")
    command = (str(PYTHON), "-c", RUN)
    with running(runtime, command=command, **{KILLS_VARIABLE: kills}) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "content_type", "member"),
    [
        ("/prediction/DNN", "application/problem+json", "detail"),
        ("/v2/models/DNN/infer", "application/json", "error"),
    ],
)
def test_a_request_kills_at_most_three_workers(
    server: Server, kills: Path, path: str, content_type: str, member: str
) -> None:
    kills.write_text("")
    with Load(server) as load:  # so that Nginx has idle connections to every worker
        load.wait_for_answers(100)
        answer = server.client.post(path, json={}, headers=FATAL)
        assert answer.status_code == 502
        assert answer.headers["content-type"] == content_type
        assert answer.json()[member] == "No worker responded; retry the request."
        load.wait_for_answers(100)
    assert len(kills.read_text().splitlines()) == MOST_TRIES


def test_requests_on_idle_connections_to_dead_workers_are_answered(server: Server) -> None:
    """Nginx gets all requests before it notices that its idle connections are closed."""
    body = json.dumps({"mfccs": MFCCS})
    header = f"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
    request = (header + body).encode()
    clients = [
        socket.create_connection(("127.0.0.1", server.port), DEADLINE) for _ in range(CONNECTIONS)
    ]
    try:
        exchange(clients, request)
        nginx, workers = server.nginx().children(), server.workers()
        for process in nginx:
            process.suspend()
        for client in clients:
            client.sendall(request)
        for worker in workers:
            worker.kill()
        wait_until(lambda: not any(map(is_alive, workers)), "the end of the workers")
        for process in nginx:
            process.resume()
        for client in clients:
            assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
    finally:
        for client in clients:
            client.close()


def exchange(clients: list[socket.socket], request: bytes) -> None:
    """Sends a request on all connections at once, so that Nginx opens many to the workers."""
    for client in clients:
        client.sendall(request)
    for client in clients:
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
