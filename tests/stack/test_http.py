"""Malformed and unusual HTTP."""

import socket

import pytest

from tests.support.harness import Server
from tests.support.problems import check_problem


def exchange(server: Server, request: bytes) -> tuple[bytes, bytes]:
    """Sends raw bytes; returns the status line and the body of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    header, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in header
    return header.split(b"\r\n")[0], body


@pytest.mark.parametrize("request_line", [b"GARBAGE", b"GET", b"GET / HTTP/1.1\r\nno colon"])
def test_malformed_http_is_answered_with_a_problem(server: Server, request_line: bytes) -> None:
    status, body = exchange(server, request_line + b"\r\n\r\n")
    assert status == b"HTTP/1.1 400 Bad Request"
    assert body == (
        b'{"type":"urn:problem:speech-emotion:malformed-request","title":"Malformed request",'
        b'"status":400,"detail":"The request is not valid HTTP."}'
    )


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 9_000), b"414"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % (b"a" * 9_000), b"431"),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", b"405"),
        (b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", b"505"),
    ],
)
def test_refusals_of_nginx_are_problems(
    server: Server, request_bytes: bytes, status: bytes
) -> None:
    line, body = exchange(server, request_bytes)
    assert line.split()[1] == status
    assert b'"status":%s' % status in body


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Range": "bytes=99999999-"}, 416), ({"If-Match": '"another"'}, 412)],
)
def test_bad_conditional_requests_of_files_get_problems(
    server: Server, headers: dict[str, str], status: int
) -> None:
    check_problem(server.client.get("/init/reference.wav", headers=headers), status)


def test_a_file_names_its_allowed_methods(server: Server) -> None:
    answer = server.client.post("/init/mfcc.onnx")
    check_problem(answer, 405)
    assert "POST" not in answer.headers["allow"]


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/3.7"])
def test_another_http_version_is_refused(server: Server, version: bytes) -> None:
    status, _ = exchange(server, b"GET /livez %s\r\nHost: a\r\n\r\n" % version)
    assert status.split()[1] in (b"400", b"505")


def test_an_endless_header_is_refused(server: Server) -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1_000) for number in range(70))
    status, _ = exchange(server, b"GET /livez HTTP/1.1\r\nHost: a\r\n" + lines)
    assert status.split()[1] in (b"400", b"431")


def test_the_internal_problem_pages_are_not_public(server: Server) -> None:
    check_problem(server.client.get("/.problem/413"), 404)


def test_head_is_answered_without_a_body(server: Server) -> None:
    for _ in range(2):
        response = server.client.head("/livez")
        assert response.headers["content-type"]
        assert response.content == b""


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    paths = [b"/livez", b"/nowhere", b"/livez"]
    requests = [b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in paths]
    last = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"".join([*requests, last]))
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404", b"200", b"200"]


def test_no_header_names_a_software_version(server: Server) -> None:
    headers = server.client.get("/livez").headers
    assert headers.get("server", "nginx") == "nginx"
    assert "x-powered-by" not in headers


LENGTH = "Content-Length: 5\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
SMUGGLING = {
    "length and chunks": LENGTH + CHUNKED,
    "chunks and length": CHUNKED + LENGTH,
    "two lengths": LENGTH + "Content-Length: 6\r\n",
    "the same length twice": LENGTH + LENGTH,
    "lengths in a list": "Content-Length: 5, 5\r\n",
    "a length with a sign": "Content-Length: +5\r\n",
    "a negative length": "Content-Length: -5\r\n",
    "a hexadecimal length": "Content-Length: 0x5\r\n",
    "a space before the colon": "Content-Length : 5\r\n",
    "chunks twice": CHUNKED + CHUNKED,
    "an unknown coding": "Transfer-Encoding: xchunked\r\n",
    "chunks within a coding": "Transfer-Encoding: chunked, gzip\r\n",
    "a coding around chunks": "Transfer-Encoding: gzip, chunked\r\n",
    "identity and length": "Transfer-Encoding: identity\r\n" + LENGTH,
    "chunks after a tab": "Transfer-Encoding:\tchunked\r\n" + LENGTH,
    "chunks after a vertical tab": "Transfer-Encoding: \vchunked\r\n",
    "chunks on a folded line": "Transfer-Encoding:\r\n chunked\r\n" + LENGTH,
    "chunks with a space before the colon": "Transfer-Encoding : chunked\r\n" + LENGTH,
    "chunks in quotes": 'Transfer-Encoding: "chunked"\r\n' + LENGTH,
    "a null in a name": "Transfer\0-Encoding: chunked\r\n" + LENGTH,
    "a bare carriage return": "X: y\rTransfer-Encoding: chunked\r\n" + LENGTH,
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_a_request_that_could_smuggle_another_is_refused(server: Server, name: str) -> None:
    smuggled = "0\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    request = f"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\n{SMUGGLING[name]}\r\n{smuggled}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request.encode())
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1 ") == 1
