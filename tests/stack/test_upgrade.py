"""Requests that offer another protocol, as Java's client sends them, are answered in HTTP/1.1."""

import json
import shutil
import socket
import subprocess
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.support.harness import DEADLINE, MFCCS, Server
from tests.support.missing import missing

PROGRAM = Path(__file__).parent / "java" / "Post.java"
BODY = json.dumps({"mfccs": MFCCS}).encode()
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEA\r\nUpgrade: h2c\r\n"
HEADER = b"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + UPGRADE
WITH_LENGTH = HEADER + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
CHUNKED = HEADER + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


@pytest.fixture(params=["server", "gunicorn_alone"])
def either_server(request: pytest.FixtureRequest) -> Server:
    """A server with Nginx, and one without."""
    found: Server = request.getfixturevalue(request.param)
    return found


def test_javas_client_gets_its_predictions(either_server: Server, tmp_path: Path) -> None:
    if shutil.which("javac") is None:
        missing("Java is missing: sudo apt-get install default-jdk-headless")
    body = tmp_path / "body.json"
    body.write_bytes(BODY)
    url = f"http://127.0.0.1:{either_server.port}/prediction/DNN"
    command = ["java", "-XX:TieredStopAtLevel=1", str(PROGRAM), url, str(body)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=True)
    expected = either_server.predict()
    lines = result.stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["200"] * 3
    assert all(json.loads(line.partition(" ")[2]) == expected for line in lines)


@pytest.mark.parametrize("request_bytes", [WITH_LENGTH, CHUNKED], ids=["length", "chunks"])
@pytest.mark.parametrize("part", [1, 50, 10_000])
def test_an_upgrade_is_ignored(either_server: Server, request_bytes: bytes, part: int) -> None:
    expected = either_server.predict()
    address = ("127.0.0.1", either_server.port)
    with socket.create_connection(address, timeout=DEADLINE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for start in range(0, len(request_bytes), part):
                connection.sendall(request_bytes[start : start + part])
            answer = HTTPResponse(connection)
            answer.begin()
            assert answer.status == 200
            assert json.loads(answer.read()) == expected


def test_pipelined_upgrades_are_answered_in_order(gunicorn_alone: Server) -> None:
    get = b"GET /livez HTTP/1.1\r\nHost: a\r\n" + UPGRADE + b"\r\n"
    last = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    address = ("127.0.0.1", gunicorn_alone.port)
    with socket.create_connection(address, timeout=DEADLINE) as connection:
        connection.sendall(get + WITH_LENGTH + get.replace(b"livez", b"nowhere") + last)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404", b"200"]


def test_a_smuggled_request_behind_an_upgrade_is_refused(gunicorn_alone: Server) -> None:
    """The header is parsed as strictly as one without an upgrade."""
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    smuggled = b"GET /livez HTTP/1.1\r\n\r\n"
    address = ("127.0.0.1", gunicorn_alone.port)
    with socket.create_connection(address, timeout=DEADLINE) as connection:
        connection.sendall(HEADER + both + smuggled)
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1 ") == 1
