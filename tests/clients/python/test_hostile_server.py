"""Answers of a hostile server that are no HTTP, have no end or lead elsewhere."""

import gzip
import json
import time

import pytest
from speech_emotion import Client, Limits
from speech_emotion.errors import (
    NoServerError,
    ServerProblemError,
    SpeechEmotionError,
    WrongServerError,
)

from tests.clients.python.conftest import ESCAPE, HANDSHAKE, Connect, Emotion, predict
from tests.support.hostile.server import MOST_CHUNKS, HostileServer, Replies, Reply, head, response

QUICK = Limits(request_seconds=0.5)


def problem(title: str, detail: str) -> Reply:
    yield response(
        json.dumps({"title": title, "detail": detail}).encode(),
        "application/problem+json",
        "422 Unprocessable",
    )


@pytest.mark.parametrize(
    "reply",
    [
        lambda: problem(ESCAPE, ESCAPE),
        lambda: iter([response(b"", status=f"500 {ESCAPE.strip()}")]),
        lambda: iter([response(b"", status="301 Moved", Location="http://\x1b[31mred")]),
        lambda: iter([b"\x1b[31mred\r\n\r\n"]),
        lambda: iter([head(Transfer_Encoding="chunked"), b"\x1b[31mred\r\n"]),
        lambda: iter([response(b"", Content_Encoding="\x1b[31mred")]),
    ],
    ids=["problem", "reason", "redirect", "status line", "chunk", "encoding"],
)
def test_escape_sequences_of_errors_do_not_reach_the_terminal(
    reply: Replies, hostile: HostileServer, emotion: Emotion
) -> None:
    hostile.replies[HANDSHAKE] = reply
    done = emotion("networks", "--server", hostile.url)
    assert done.returncode in (3, 4, 7)
    assert done.stderr.endswith("\n")
    assert done.stderr[:-1].isprintable()


def endless(first: bytes, chunk: bytes) -> Reply:
    yield first
    for _ in range(MOST_CHUNKS):
        yield chunk


@pytest.mark.parametrize(
    "reply",
    [
        lambda: endless(head(), b" " * 65_536),
        lambda: endless(head(Transfer_Encoding="chunked"), b"10000\r\n" + b" " * 65_536 + b"\r\n"),
        lambda: endless(head("503 Busy"), b" " * 65_536),
        lambda: iter([head(Content_Length="1048577"), b" " * 1_048_577]),
    ],
    ids=["without length", "chunked", "temporary", "one byte too much"],
)
def test_an_answer_without_end_is_refused(
    reply: Replies, hostile: HostileServer, connect: Connect
) -> None:
    hostile.replies[HANDSHAKE] = reply
    with pytest.raises(WrongServerError, match="larger than 1048576 bytes"):
        predict(connect(hostile))


def test_a_file_without_end_is_refused(hostile: HostileServer, connect: Connect) -> None:
    hostile.replies["/init/mfcc.onnx"] = lambda: endless(head(), b" " * 65_536)
    with pytest.raises(WrongServerError, match="larger than 16777216 bytes"):
        predict(connect(hostile))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_compressed_answer_is_not_decompressed(
    encoding: str, hostile: HostileServer, connect: Connect
) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    hostile.replies[HANDSHAKE] = lambda: iter([response(bomb, Content_Encoding=encoding)])
    with pytest.raises(WrongServerError, match=f"compresses its response: {encoding}"):
        predict(connect(hostile))


def drip(server: HostileServer, first: bytes, chunk: bytes = b" ") -> Replies:
    """Sends a little every 20 ms, less than any time-out of a socket notices."""

    def reply() -> Reply:
        yield first
        while not server.stopped.wait(0.02):
            yield chunk

    return reply


@pytest.mark.parametrize(
    ("first", "chunk"),
    [
        (head(), b" "),
        (head(Content_Length="1000000"), b" "),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (head(Transfer_Encoding="chunked"), b"1\r\n \r\n"),
        (head(Transfer_Encoding="chunked") + b"0\r\n", b"X: y\r\n"),
        (head("503 Busy"), b" "),
    ],
    ids=["body", "length", "header", "1xx", "chunks", "trailers", "temporary"],
)
def test_an_answer_that_drips_ends_with_the_request(
    first: bytes, chunk: bytes, hostile: HostileServer, connect: Connect
) -> None:
    hostile.replies[HANDSHAKE] = drip(hostile, first, chunk)
    with pytest.raises(NoServerError, match=r"no complete answer in 0\.5 s"):
        predict(connect(hostile, limits=QUICK))


def test_a_handshake_of_tls_that_drips_ends_with_the_request(hostile: HostileServer) -> None:
    record = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"  # a handshake message of 16 kB follows
    hostile.greeting = drip(hostile, record)
    client = Client(hostile.url.replace("http:", "https:"), limits=QUICK)
    with pytest.raises(NoServerError, match=r"no complete answer in 0\.5 s"):
        predict(client)


@pytest.mark.parametrize("retry_after", ["9" * 5_000, "-1", "\xb2", "1e9", "29"])
def test_a_strange_retry_after_delays_nobody(
    retry_after: str, hostile: HostileServer, connect: Connect
) -> None:
    hostile.replies[HANDSHAKE] = lambda: iter(
        [response(b"", "text/plain", "503 Busy", Retry_After=retry_after)]
    )
    with pytest.raises(ServerProblemError):
        predict(connect(hostile, limits=Limits(request_seconds=20.0)))


@pytest.mark.parametrize("status", ["200 OK", "422 Unprocessable"])
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 100_000, b'"\xff"'])
def test_documents_that_cannot_be_read_are_refused(
    body: bytes, status: str, hostile: HostileServer, connect: Connect
) -> None:
    hostile.replies[HANDSHAKE] = lambda: iter([response(body, "application/problem+json", status)])
    with pytest.raises(WrongServerError):
        predict(connect(hostile))


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str, hostile: HostileServer, connect: Connect) -> None:
    with HostileServer() as other:
        location = response(b"", status=status, Location=f"{other.url}/prediction/F")
        hostile.replies["/prediction/F"] = lambda: iter([location])
        with pytest.raises(WrongServerError, match="and redirects to"):
            predict(connect(hostile))
        assert other.paths == []


def test_a_server_that_is_gone_ends_the_retries(connect: Connect) -> None:
    with HostileServer() as server:
        client = connect(server)
        predict(client)
    start = time.monotonic()
    with pytest.raises(SpeechEmotionError):
        predict(client)
    assert time.monotonic() - start < 30
