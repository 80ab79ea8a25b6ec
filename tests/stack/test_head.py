"""HEAD is answered wherever GET is, with the same headers and no body."""

import socket

import httpx
import pytest

from tests.support.harness import DEADLINE, Server
from tests.support.openapi import description

NAMES = {
    "{name}": "DNN",
    "{version}": "0",
    "{networkType}": "DNN",
    "{rate}": "48000",
    "{clip}": "48000",
}
PAGES = ["/", "/docs", "/favicon.svg", "/nowhere", "/prediction/DNN", "/v2/models/RNN"]
GET_PATHS = [path for path, operations in description()["paths"].items() if "get" in operations]
CHANGING = ("date", "x-request-id", "connection", "keep-alive")


def filled(path: str, version: str) -> str:
    """The path of a resource: with the name and the version of a network."""
    for name, value in NAMES.items():
        path = path.replace(name, version if name == "{version}" else value)
    return path


def headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGING}


@pytest.fixture(params=["server", "gunicorn_alone"])
def either_server(request: pytest.FixtureRequest) -> Server:
    """A server with Nginx, and one without."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("path", [*GET_PATHS, *PAGES])
def test_head_has_the_headers_of_get_and_no_body(either_server: Server, path: str) -> None:
    client = either_server.client
    version = client.get("/v2/models/DNN").json()["versions"][0]
    path = filled(path, version)
    got, head = client.get(path), client.head(path)
    assert path in PAGES or got.status_code == 200
    assert head.status_code == got.status_code
    if got.status_code == 405:
        return  # it names the allowed methods
    assert headers(head) == headers(got)
    assert int(head.headers["content-length"]) == len(raw_body(either_server, path))
    assert raw_body(either_server, path, "HEAD") == b""


def raw_body(server: Server, path: str, method: str = "GET") -> bytes:
    """What follows the header of an answer on the wire."""
    request = (
        f"{method} {path} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    return answer.partition(b"\r\n\r\n")[2]
