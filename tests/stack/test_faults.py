"""A killed process is restarted, and no request fails because of it."""

import contextlib
import json
import select
import signal
import socket
import time
from collections.abc import Iterator
from functools import partial
from http.client import HTTPResponse
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.harness import (
    DEADLINE,
    MFCCS,
    Load,
    Server,
    running,
    wait_for_new_workers,
    wait_until,
)
from tests.support.machine.clock import WallClock

ANSWERS = 300


@pytest.fixture(scope="module")
def server(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("run")) as server:
        yield server


def test_no_request_fails_when_a_worker_is_killed(server: Server) -> None:
    with Load(server) as load:
        for _ in range(3):
            victim = server.workers()[0]
            victim.kill()
            wait_for_new_workers(server, [victim])
            load.wait_for_answers(ANSWERS)
    assert load.failures == []


def test_no_request_fails_during_a_reload(server: Server) -> None:
    with Load(server) as load:
        old = server.workers()
        server.gunicorn().send_signal(signal.SIGHUP)
        wait_for_new_workers(server, old)
        load.wait_for_answers(ANSWERS)
    assert load.failures == []


def test_a_killed_gunicorn_is_restarted_and_no_request_fails(server: Server) -> None:
    with Load(server) as load:
        workers, master = server.workers(), server.gunicorn()
        master.kill()
        wait_for_new_workers(server, workers)
        wait_until(lambda: not any(map(psutil.pid_exists, [w.pid for w in workers])), "no orphans")
        load.wait_for_answers(ANSWERS)
    assert load.failures == []


def test_a_killed_nginx_is_restarted(server: Server) -> None:
    old = server.nginx()
    workers = old.children()
    old.kill()
    wait_until(lambda: not any(p.is_running() for p in [old, *workers]), "the end of the old Nginx")
    server.wait_for_answer()
    assert server.nginx() != old
    assert server.predict()


def test_the_open_requests_of_a_killed_nginx_process_are_not_counted_for_ever(
    server: Server,
) -> None:
    body = json.dumps({"mfccs": MFCCS}).encode()
    header = b"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    processes, workers = server.nginx().children(), server.workers()
    with contextlib.ExitStack() as stack:
        for worker in workers:
            worker.suspend()
            stack.callback(worker.resume)
        waiting = []
        for _ in range(100 * len(workers) + 1):  # one more than maximum_open_requests
            connection = socket.create_connection(("127.0.0.1", server.port))
            waiting.append(stack.enter_context(connection))
            connection.sendall(header + body)
        wait_until(lambda: bool(select.select(waiting, [], [], 0)[0]), "a refusal")
        for process in processes:
            process.kill()
        wait_until(lambda: not any(p.is_running() for p in processes), "the end of the processes")

    def is_served() -> bool:
        try:
            return server.client.post("/prediction/DNN", json={"mfccs": MFCCS}).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(is_served, "an answer")


def test_nothing_is_left_when_supervisord_is_killed(nginx: Path, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        tree = server.tree()
        supervisord = server.supervisord()
        assert supervisord is not None
        supervisord.kill()
        assert server.process.wait(60) == 1
        assert not psutil.wait_procs(tree, timeout=0)[1]
    assert list(tmp_path.iterdir()) == []


def check_all_end(server: Server) -> None:
    """Kills the main process, and expects every other one to end by itself."""
    tree = server.tree()
    server.process.kill()
    server.process.wait()
    _, alive = psutil.wait_procs(tree, timeout=20)
    for process in alive:
        process.kill()
    assert not alive, server.output


@pytest.mark.parametrize("flags", [(), ("--without-nginx",)])
def test_every_process_ends_when_the_main_one_is_killed(
    nginx: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    with running(tmp_path, *flags) as server:
        check_all_end(server)


def test_an_open_request_is_answered_when_the_main_process_is_killed(
    nginx: Path, tmp_path: Path
) -> None:
    """Nginx and Gunicorn finish open requests, as after a stop signal."""
    body = json.dumps({"mfccs": MFCCS}).encode()
    header = "POST /prediction/DNN HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    length = f"Content-Length: {len(body)}\r\n\r\n"
    with (
        running(tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as connection,
    ):
        connection.sendall((header + length).encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        tree = server.tree()
        server.process.kill()
        wait_until(lambda: refuses_connections(server), "Nginx's listening socket is closed")
        connection.sendall(body)
        answer = HTTPResponse(connection)
        answer.begin()
        assert (answer.status, "results" in json.loads(answer.read())) == (200, True)
        assert not psutil.wait_procs(tree, timeout=20)[1]


def refuses_connections(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def beat(worker: psutil.Process) -> float:
    """The time of the last heartbeat, in seconds on the monotonic clock."""
    for file in Path(f"/proc/{worker.pid}/fd").iterdir():
        if "wgunicorn" in str(file.readlink()):
            return file.stat().st_mtime
    raise LookupError(f"{worker} has no heartbeat file")


def wait_for_heartbeats(workers: list[psutil.Process]) -> None:
    later = time.monotonic() + 2
    for worker in workers:
        wait_until(partial(has_beaten, worker, later), "more heartbeats")


def has_beaten(worker: psutil.Process, since: float) -> bool:
    return since < beat(worker) <= time.monotonic()


def test_workers_send_heartbeats_although_the_clock_jumps(nginx: Path, tmp_path: Path) -> None:
    """Without a heartbeat for 30 s Gunicorn kills a worker."""
    clock = WallClock(tmp_path)
    with running(tmp_path / "run", **clock.variables) as server:
        workers = server.workers()
        for hours in (-1, 1):
            clock.shift(hours * 3600)
            wait_for_heartbeats(workers)
            assert server.predict()
        assert server.workers() == workers
