"""A shortage of processes or of disk space costs no answer, and passes without a trace."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.launch.runtime_directory import Runtime
from tests.support.harness import (
    RUN,
    Load,
    Server,
    free_port,
    run_to_its_end,
    running,
    wait_for_new_workers,
    wait_until,
)
from tests.support.machine.control_group import process_limit
from tests.support.machine.small_disk import small_disk

ANSWERS = 300


@pytest.fixture(scope="module")
def server(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that each test leaves as it was."""
    with running(tmp_path_factory.mktemp("run")) as server:
        yield server


def told(server: Server, message: str, times: int = 1) -> Callable[[], bool]:
    """Whether the server has logged the message that many times since this call."""
    before = server.output.count(message)
    return lambda: server.output.count(message) >= before + times


def test_the_lack_of_a_process_costs_no_answer_and_passes(server: Server) -> None:
    has_failed = told(server, "a worker cannot be started")
    with process_limit(server) as limit:
        with Load(server) as load:
            victim, other = server.workers()
            limit.reach()
            victim.kill()
            wait_until(has_failed, "a failed fork")
            assert server.workers() == [other]
            load.wait_for_answers(ANSWERS)
            limit.lift()
            wait_for_new_workers(server, [victim])
            load.wait_for_answers(ANSWERS)
        assert load.failures == []


def test_a_replacement_that_cannot_start_does_not_end_the_others(
    server: Server, tmp_path: Path
) -> None:
    (settings,) = server.runtime.glob("*/config.ini")
    has_failed = told(server, "a worker cannot be started")
    with Load(server) as load:
        victim = server.workers()[0]
        settings.rename(tmp_path / "missing")
        victim.kill()
        wait_until(has_failed, "a failed start")
        load.wait_for_answers(ANSWERS)
        (tmp_path / "missing").rename(settings)
        wait_for_new_workers(server, [victim])
    assert load.failures == []


def test_gunicorn_and_nginx_return_after_a_lack_of_processes(server: Server) -> None:
    """More failed starts than supervisord's `startretries`."""
    have_failed = told(server, "Too many processes", times=9)
    with process_limit(server) as limit:
        limit.reach()
        for process in (server.nginx(), server.gunicorn()):
            process.kill()
        wait_until(have_failed, "failed starts")
        limit.lift()
        server.wait_for_answer()
        assert server.predict()
        wait_until(lambda: len(server.workers()) == 2, "both workers")


def test_nginx_is_restarted_if_it_has_lost_its_workers(server: Server) -> None:
    old = server.nginx()
    is_noticed = told(server, "nginx has no workers")
    with process_limit(server) as limit:
        wait_until(lambda: is_running(server), "supervisord sees Nginx run")
        limit.reach()
        for worker in old.children():
            worker.kill()
        wait_until(is_noticed, "a notice in the log")
        limit.lift()
        server.wait_for_answer()
        assert server.nginx() != old


def is_running(server: Server) -> bool:
    """Whether supervisord has logged that the last Nginx which it started is running."""
    return "nginx entered RUNNING" in server.output.rpartition("spawned: 'nginx'")[2]


def test_a_full_runtime_directory_costs_no_answer(nginx: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, running(disk.path) as server:
        with Load(server) as load:
            disk.fill()
            victim = server.workers()[0]
            victim.kill()
            wait_for_new_workers(server, [victim])
            workers = server.workers()
            server.gunicorn().kill()
            wait_for_new_workers(server, workers)
            load.wait_for_answers(ANSWERS)
        assert load.failures == []
        assert "cannot be written and is tried again" in server.output
        disk.clear()
        (path,) = disk.path.iterdir()
        wait_until(lambda: all_are_reported(server, Runtime(path)), "the reports of all processes")


def all_are_reported(server: Server, runtime: Runtime) -> bool:
    master = server.gunicorn().pid
    reports = runtime.workers(master)
    return runtime.gunicorn == master and len(reports) == 2 and all(reports.values())


def test_nginx_is_restarted_on_a_full_disk(nginx: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, running(disk.path) as server:
        disk.fill()
        old = server.nginx()
        old.kill()
        old.wait()
        server.wait_for_answer()
        assert server.predict()
        disk.clear()


def test_a_disk_that_is_full_at_the_start_is_a_clear_error(nginx: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        disk.fill()
        result = run_to_its_end(RUN, free_port(), disk.path)
        assert result.returncode == 2
        assert result.stderr.startswith("error: Cannot start with the runtime directory")
        assert "No space left on device" in result.stderr
        disk.clear()
        assert list(disk.path.iterdir()) == []
