"""Starting and stopping: errors are explained, and no process or file is left."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.harness import (
    DEADLINE,
    ROOT,
    RUN,
    Server,
    free_port,
    run_to_its_end,
    running,
    started,
    wait_until,
)

MAKE = ("make", "run")
Stop = Callable[[Server], None]


def press_ctrl_c(server: Server) -> None:
    """A terminal sends SIGINT to the whole foreground process group."""
    os.killpg(server.process.pid, signal.SIGINT)


def interrupt(server: Server) -> None:
    server.process.send_signal(signal.SIGINT)


def terminate(server: Server) -> None:
    server.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("stop", [press_ctrl_c, interrupt, terminate])
def test_a_stopped_server_leaves_nothing(nginx: Path, tmp_path: Path, stop: Stop) -> None:
    with running(tmp_path) as server:
        tree = server.tree()
        stop(server)
        assert server.process.wait(DEADLINE) == 0, server.output
        check_nothing_is_left(server, tree, tmp_path)


def test_a_stopped_server_without_nginx_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path, "--without-nginx") as server:
        tree = server.tree()
        press_ctrl_c(server)
        assert server.process.wait(DEADLINE) == 0, server.output
        check_nothing_is_left(server, tree, tmp_path)


@pytest.mark.parametrize("stop", [press_ctrl_c, terminate])
def test_make_run_stopped_leaves_nothing(nginx: Path, tmp_path: Path, stop: Stop) -> None:
    with started(tmp_path, command=MAKE) as server:
        server.wait_for_line("Ready: ")
        tree = server.tree()
        stop(server)
        server.process.wait(DEADLINE)
        check_nothing_is_left(server, tree, tmp_path)


@pytest.mark.parametrize(
    "moment",
    [
        "supervisord started",
        "spawned: 'gunicorn'",
        "Starting gunicorn",
        "Booting worker",
        "Started server process",
        "Ready: ",
    ],
)
def test_a_stop_signal_during_the_start_is_obeyed(nginx: Path, tmp_path: Path, moment: str) -> None:
    """A process that has just been forked must not lose the signal: each waits for up to 40 s."""
    with started(tmp_path) as server:
        wait_until(lambda: moment in server.output, moment)
        terminate(server)
        assert server.process.wait(20) == 0
    _, _, afterwards = server.output.partition("received SIGTERM")
    assert "Ready: " not in afterwards
    assert list(tmp_path.iterdir()) == []


def test_a_stop_signal_before_the_first_process_is_obeyed(nginx: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server:
        wait_until(lambda: bool(list(tmp_path.iterdir())), "the runtime directory")
        terminate(server)
        assert server.process.wait(20) == 0
    assert list(tmp_path.iterdir()) == []


def check_nothing_is_left(server: Server, tree: list[psutil.Process], runtime: Path) -> None:
    assert not psutil.wait_procs(tree, timeout=0)[1], server.output
    assert list(runtime.iterdir()) == []
    socket.create_server(("127.0.0.1", server.port)).close()


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("flags", [(), ("--without-nginx",)])
def test_a_busy_port_is_a_clear_error(
    nginx: Path, tmp_path: Path, busy_port: int, flags: tuple[str, ...]
) -> None:
    result = run_to_its_end([*RUN, *flags], busy_port, tmp_path)
    assert result.returncode == 2
    assert result.stderr == (
        f"error: Cannot listen on 127.0.0.1:{busy_port}: Address already in use. "
        "Another port: PORT=8081 make run\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_make_run_passes_the_port(tmp_path: Path, busy_port: int) -> None:
    result = run_to_its_end([*MAKE, f"PORT={busy_port}"], free_port(), tmp_path)
    assert f"Cannot listen on 127.0.0.1:{busy_port}" in result.stderr


def test_make_run_passes_the_workers(tmp_path: Path) -> None:
    result = run_to_its_end([*MAKE, "WORKERS=many"], free_port(), tmp_path)
    assert "SER_SERVER_WORKERS: 'many' is not a whole number" in result.stderr


def test_too_long_a_runtime_directory_is_a_clear_error(nginx: Path, tmp_path: Path) -> None:
    result = run_to_its_end(RUN, free_port(), tmp_path / ("long" * 25))
    assert result.returncode == 2
    assert "set a shorter runtime_directory" in result.stderr


@pytest.fixture(params=["empty", "broken"])
def bad_models(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    models = tmp_path / "models"
    models.mkdir()
    if request.param == "broken":
        for file in (ROOT / "models").glob("*.onnx"):
            (models / file.name).write_bytes(file.read_bytes()[:1000])
    return models


def test_no_process_preempts_another(server: Server) -> None:
    policies = {(process.name(), os.sched_getscheduler(process.pid)) for process in server.tree()}
    assert ("nginx", os.SCHED_BATCH) in policies
    assert {policy for _, policy in policies} == {os.SCHED_BATCH}


def test_with_bad_models_the_server_is_alive_but_not_ready(
    nginx: Path, tmp_path: Path, bad_models: Path
) -> None:
    with started(tmp_path / "run", SER_MODELS_DIRECTORY=bad_models) as server:
        server.wait_for_line("Running, but not ready: ")
        workers = server.workers()
        for _ in range(20):
            response = server.client.get("/readyz")
            assert response.status_code == 503
            assert ".onnx" in response.json()["detail"]
            assert server.client.get("/livez").status_code == 200
        assert server.workers() == workers
        assert server.output.count("Booting worker") == 2
