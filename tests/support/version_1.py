"""Exchanges of the published clients of version 1 with the server of version 1."""

import base64
import hashlib
import json
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from tests.support.harness import DEADLINE, ROOT

FOLDER = ROOT / "tests" / "stack" / "version_1"
EXCHANGES = FOLDER / "exchanges.jsonl"
FEATURES = ("mfcc.onnx", "reference.wav")
# Headers that differ from one response, or from one copy of a file, to the next.
OWN_HEADERS = frozenset({"date", "etag", "last-modified", "x-request-id"})
LONGEST_TEXT = 50_000  # bytes; of a longer body the hash is recorded


@dataclass(frozen=True)
class Response:
    """The parts of a response that clients can rely on."""

    status: int
    headers: list[list[str]]  # in their order
    body: str  # text, or the SHA-256 of a long body, or base64


@dataclass(frozen=True)
class Exchange:
    """A request, byte for byte as a client sent it, and the response that it got."""

    client: str
    head: str  # request line and header
    body: str
    response: Response

    @property
    def request(self) -> bytes:
        return self.head.encode("latin-1") + _decoded(self.body)

    @property
    def path(self) -> str:
        return self.head.split(" ", 2)[1]


def read_exchanges(path: Path = EXCHANGES) -> list[Exchange]:
    """The recorded exchanges, one in each line of the file."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Exchange(**line | {"response": Response(**line["response"])}) for line in lines]


def send(port: int, request: bytes) -> Response:
    """Sends a request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        connection.sendall(request)
        answer = HTTPResponse(connection, method=request.split(b" ", 1)[0].decode())
        answer.begin()
        body = answer.read()
    headers = [
        [name, text] for name, text in answer.getheaders() if name.lower() not in OWN_HEADERS
    ]
    return Response(answer.status, headers, encoded(body))


def encoded(body: bytes) -> str:
    """A body as it is recorded."""
    if len(body) > LONGEST_TEXT:
        return "sha256:" + hashlib.sha256(body).hexdigest()
    try:
        return body.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(body).decode()


def _decoded(body: str) -> bytes:
    kind, _, text = body.partition(":")
    return base64.b64decode(text) if kind == "base64" else body.encode()


def contains(document: Any, recorded: Any) -> bool:
    """Whether a document has every recorded member unchanged; it may have more members."""
    if isinstance(recorded, dict):
        return isinstance(document, dict) and all(
            name in document and contains(document[name], value) for name, value in recorded.items()
        )
    if isinstance(recorded, list):
        return (
            isinstance(document, list)
            and len(document) == len(recorded)
            and all(map(contains, document, recorded))
        )
    return type(document) is type(recorded) and document == recorded
