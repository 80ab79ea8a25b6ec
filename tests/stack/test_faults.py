"""A killed process is restarted, and no request fails because of it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.harness import Load, Server, running, wait_until

ANSWERS = 300


@pytest.fixture(scope="module")
def server(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("run")) as server:
        yield server


def wait_for_new_workers(server: Server, old: list[psutil.Process], count: int = 2) -> None:
    def replaced() -> bool:
        try:
            workers = server.workers()
        except (LookupError, psutil.NoSuchProcess):
            return False
        return len(workers) == count and not set(workers) & set(old)

    wait_until(replaced, f"{count} workers other than {old}")


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


def test_nothing_is_left_when_supervisord_is_killed(nginx: Path, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        tree = server.tree()
        supervisord = server.supervisord()
        assert supervisord is not None
        supervisord.kill()
        assert server.process.wait(60) == 1
        assert not psutil.wait_procs(tree, timeout=0)[1]
    assert list(tmp_path.iterdir()) == []
