"""Every process logs lines of JSON; no line contains data that a client sent."""

import json
import time
from pathlib import Path

from tests.support.access_log import find_request
from tests.support.harness import running, wait_until

SECRET = 123.456789


def test_each_request_is_one_line(nginx: Path, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        body = {"mfccs": [SECRET] * 25}
        headers = {"X-Request-Id": "good", "Authorization": "Bearer secret"}
        answer = server.client.post(f"/prediction/DNN?trace={SECRET}", json=body, headers=headers)
        server.client.post("/prediction/no/such", headers={"X-Request-Id": "bad"})
        line = find_request(server, "good")
        assert line.pop("time").startswith("20")
        assert 0 <= line.pop("duration_ms") < 60_000
        assert line.pop("process") == "nginx"
        assert line == {
            "request_id": "good",
            "method": "POST",
            "route": "/prediction/{networkType}",
            "network": "DNN",
            "status": 200,
            "bytes": len(answer.content),
        }
        assert find_request(server, "bad")["status"] == 404
        assert find_request(server, "bad")["route"] == ""
    others = [line for line in server.lines if not line.startswith("{")]
    assert [line.partition(":")[0] for line in others] == ["Ready"]
    for text in server.lines:
        if text.startswith("{"):
            assert json.loads(text)["process"]
    assert str(SECRET) not in server.output
    assert "secret" not in server.output


def test_the_access_log_can_be_disabled(nginx: Path, tmp_path: Path) -> None:
    with running(tmp_path, SER_SERVER_ACCESS_LOG="no") as server:
        server.predict()
    assert '"request_id"' not in server.output


def test_a_message_of_nginx_is_written_at_most_once_a_second(nginx: Path, tmp_path: Path) -> None:
    """Every request without a reachable worker makes Nginx write several equal messages."""
    with running(tmp_path) as server:
        start = time.monotonic()
        (path,) = tmp_path.glob("*/gunicorn.sock")
        path.rename(path.with_name("moved.sock"))
        old = server.workers()
        for worker in old:  # Nginx still has connections to them
            worker.kill()
        wait_until(lambda: not any(worker.is_running() for worker in old), "the end of the workers")
        for _ in range(10):
            assert server.client.get("/init/configuration").status_code == 502
        path.with_name("moved.sock").rename(path)
        server.wait_for_answer()
        wait_until(lambda: "gunicorn.sock failed" in server.output, "a message")
        messages = [line for line in server.lines if "gunicorn.sock failed" in line]
        assert len(messages) <= 1 + time.monotonic() - start
