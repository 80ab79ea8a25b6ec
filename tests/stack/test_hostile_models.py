"""Models that loop: one that never loads, and one that blocks its worker on one input."""

import json
import socket
from pathlib import Path

from tests.support.harness import MFCCS, Load, Server, running, started, wait_until
from tests.support.hostile.models import (
    TRIGGER,
    write_looping_network,
    write_network_that_loops_once_triggered,
)
from tests.support.models.tiny import write_extractor, write_vector_network


def write_models(directory: Path) -> Path:
    directory.mkdir()
    write_extractor(directory)
    write_vector_network(directory, "DNN")
    return directory


def test_a_network_that_never_loads_is_refused_at_the_start(nginx: Path, tmp_path: Path) -> None:
    models = write_models(tmp_path / "models")
    write_looping_network(models, "LOOP")
    with started(
        tmp_path / "run",
        SER_MODELS_DIRECTORY=models,
        SER_MODELS_VERIFICATION_TIMEOUT_SECONDS=3,
    ) as server:
        server.wait_for_line("Running, but not ready: ")
        reason = server.client.get("/readyz").json()["detail"]
        assert reason == "LOOP.onnx: is not verified after 3 s, verification_timeout_seconds"
        server.predict("DNN")
        assert server.output.count("Booting worker") == 2


def test_a_network_that_blocks_its_worker_does_not_block_the_server(
    nginx: Path, tmp_path: Path
) -> None:
    models = write_models(tmp_path / "models")
    write_network_that_loops_once_triggered(models, "LOOP")
    with (
        running(
            tmp_path / "run", SER_MODELS_DIRECTORY=models, GUNICORN_CMD_ARGS="--timeout 6"
        ) as server,
        Load(server) as load,
    ):
        old = server.workers()
        trigger(server)
        wait_until(lambda: not set(old) <= set(server.workers()), "another worker")
        load.wait_for_answers(200)
        assert len(set(server.workers()) & set(old)) == 1
        assert load.failures == []


def trigger(server: Server) -> None:
    """Sends the request that starts the loop, and leaves, so that it is not repeated."""
    body = json.dumps({"mfccs": [TRIGGER, *MFCCS[1:]]})
    header = f"POST /prediction/LOOP HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"{header}\r\n\r\n{body}".encode())
        busy = [worker.cpu_times().user for worker in server.workers()]
        wait_until(lambda: is_busy(server, busy), "a blocked worker")


def is_busy(server: Server, before: list[float]) -> bool:
    """Whether a worker has computed for a second."""
    now = [worker.cpu_times().user for worker in server.workers()]
    return any(new - old > 1 for old, new in zip(before, now, strict=False))
