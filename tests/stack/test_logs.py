"""Every process writes lines of JSON, and none of them holds what a client sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.harness import Server, running, wait_until

SECRET = 123.456789


def find(server: Server, request_id: str) -> dict[str, Any]:
    """The line of the access log."""
    marks = (f'"request_id":"{request_id}"', '"status"')

    def lines() -> list[str]:
        return [line for line in server.lines if all(mark in line for mark in marks)]

    wait_until(lambda: bool(lines()), f"{request_id} in the log")
    (line,) = lines()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.mark.parametrize("flags", [(), ("--without-nginx",)])
def test_each_request_is_one_line(nginx: Path, tmp_path: Path, flags: tuple[str, ...]) -> None:
    with running(tmp_path, *flags) as server:
        body = {"mfccs": [SECRET] * 25}
        headers = {"X-Request-Id": "good", "Authorization": "Bearer secret"}
        answer = server.client.post("/prediction/DNN?trace=1", json=body, headers=headers)
        server.client.post("/prediction/no/such", headers={"X-Request-Id": "bad"})
        line = find(server, "good")
        assert line.pop("time").startswith("20")
        assert 0 <= line.pop("duration_ms") < 60_000
        assert line.pop("process") in ("nginx", "worker")
        assert line == {
            "request_id": "good",
            "method": "POST",
            "route": "/prediction/{networkType}",
            "network": "DNN",
            "status": 200,
            "bytes": len(answer.content),
        }
        assert find(server, "bad")["status"] == 404
        assert find(server, "bad")["route"] == ""
    others = [line for line in server.lines if not line.startswith("{")]
    assert [line.partition(":")[0] for line in others] == ["Ready"]
    for text in server.lines:
        if text.startswith("{"):
            assert json.loads(text)["process"]
    assert str(SECRET) not in server.output
    assert "secret" not in server.output


def test_the_access_log_can_be_left_out(nginx: Path, tmp_path: Path) -> None:
    with running(tmp_path, SER_SERVER_ACCESS_LOG="no") as server:
        server.predict()
    assert '"request_id"' not in server.output
