"""Starting, failing and stopping the container."""

import json
import socket
import time
from pathlib import Path

from tests.image.podman import IMAGE, Container, Podman
from tests.support.harness import MFCCS, wait_until

GRACE = 30  # seconds
BODY = json.dumps({"mfccs": MFCCS}).encode()
HEADER = b"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY)
STARTS = 3


def seconds_to_the_first_prediction(podman: Podman) -> float:
    start = time.monotonic()
    with podman.running() as container, container.client() as client:
        assert client.post("/prediction/DNN", content=BODY).status_code == 200
        return time.monotonic() - start


def test_the_first_prediction_is_fast(podman: Podman) -> None:
    seconds = [seconds_to_the_first_prediction(podman) for _ in range(STARTS)]
    print("\nseconds to the first prediction:", *(f"{value:.2f}" for value in seconds))
    # It takes three seconds on an idle machine; this one may be loaded.
    assert min(seconds) < 10


def stop_while_open(container: Container) -> tuple[bytes, int]:
    """Sends half of a request, stops the container, then sends the rest."""
    with container.client(), socket.create_connection(("127.0.0.1", 8080)) as connection:
        connection.sendall(HEADER + BODY[:20])
        container.podman("kill", "--signal=TERM", container.name)
        wait_until(lambda: refuses(8080), "the end of the listening")
        connection.sendall(BODY[20:])
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    return answer, container.wait()


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_an_open_request_is_answered_before_it_stops(podman: Podman) -> None:
    with podman.running() as container:
        answer, status = stop_while_open(container)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"results"' in answer
    assert status == 0


def test_it_stops_within_the_grace_period(podman: Podman) -> None:
    with podman.running() as container, container.client():
        assert container.stop(GRACE) == 0


def test_bad_models_make_it_unhealthy(podman: Podman, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with podman.running(f"--volume={tmp_path}:/app/models:ro") as container:
        wait_until(lambda: "not ready" in container.log, "the end of the start")
        assert container.healthcheck() == 1


def test_it_ends_with_an_error_if_a_process_keeps_failing(podman: Podman, tmp_path: Path) -> None:
    broken = tmp_path / "nginx"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with podman.running(f"--volume={broken}:/usr/sbin/nginx:ro") as container:
        assert container.wait() == 1
        assert "nginx cannot be kept alive" in container.log


def test_every_process_logs_to_the_container(podman: Podman) -> None:
    with podman.running() as container:
        with container.client():
            container.stop(GRACE)
        log = container.log
    for line in ("Booting worker", "spawned: 'nginx'", "Ready: http://127.0.0.1:8080"):
        assert line in log


def test_models_can_be_checked_before_they_are_served(podman: Podman) -> None:
    result = podman("run", "--rm", "--network=none", IMAGE, "models", "check", "/app/models")
    assert "Good: CNN, DNN" in result.stdout
