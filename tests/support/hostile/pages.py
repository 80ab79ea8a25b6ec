"""A server that answers each path with any bytes, and records what it gets."""

import contextlib
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.support.hostile.listener import Listener

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "models" / "reference.wav"
HANDSHAKE = "/init/configuration"
EXTRACTOR = "/init/mfcc.onnx"
CLIP = "/init/reference.wav"
PREDICTION = "/prediction/Net"
JSON = "application/json"
PROBLEM = "application/problem+json"
BOMB_BYTES = 200_000_000  # decompressed

Page = Callable[[], Iterable[bytes]]  # the parts of a whole response


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def page(body: bytes, content_type: str = JSON, *, status: int = 200, **headers: str) -> Page:
    """An ordinary response; a header `Content_Encoding` is sent as Content-Encoding.

    The connection ends with it, and says so: otherwise the client's next request may meet its end.
    """
    length = str(len(body))
    fields = {"Content-Type": content_type, "Content-Length": length, "Connection": "close"}
    fields |= headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Reason", *lines, "", ""])
    return lambda: [head.encode() + body]


def document(value: Any, content_type: str = JSON, *, status: int = 200, **headers: str) -> Page:
    return page(json.dumps(value).encode(), content_type, status=status, **headers)


@cache
def bomb_bytes() -> bytes:
    """200 MB of spaces in 0.9 MB."""
    target = io.BytesIO()
    with gzip.open(target, "wb", compresslevel=1) as packed:
        for _ in range(BOMB_BYTES // 1_000_000):
            packed.write(b" " * 1_000_000)
    return target.getvalue()


def bomb(content_type: str = JSON, *, status: int = 200) -> Page:
    return page(bomb_bytes(), content_type, status=status, Content_Encoding="gzip")


def flood() -> Iterator[bytes]:
    """A body without an end, as fast as the client reads it."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    while True:
        yield b" " * 65_536


def drip() -> Iterator[bytes]:
    """A body without an end, slowly."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    while True:
        yield b" "


def dripping_header() -> Iterator[bytes]:
    """A header without an end, slowly."""
    yield b"HTTP/1.1 200 OK\r\nX: "
    while True:
        yield b"x"


class HostilePages(Listener):
    """Answers the paths of `pages`; other paths get 404."""

    def __init__(self) -> None:
        super().__init__(_handler(self))
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, str, bytes]] = []  # method, path, body

    def offer(self, extractor: bytes, /, **changes: Any) -> None:
        """Offers an extractor in a handshake without faults but for the changes."""
        handshake = {
            "numberOfMfccs": 25,
            "features": {"sampleRate": 22_050, "hopLength": 512, "nMfcc": 25},
            "extractor": {"url": EXTRACTOR, "sha256": sha256(extractor)},
            "reference": {"url": CLIP, "sha256": sha256(REFERENCE.read_bytes())},
            "networks": [network()],
        }
        self.pages = {
            HANDSHAKE: document(handshake | changes),
            EXTRACTOR: page(extractor, "application/octet-stream"),
            CLIP: page(REFERENCE.read_bytes(), "audio/wav"),
            PREDICTION: document({"results": [{"emotionType": "calm", "prediction": 1}]}),
        }

    @property
    def posts(self) -> list[str]:
        """The paths of the requests with a body."""
        return [path for _, path, body in self.requests if body]

    def respond(self, method: str, path: str, body: bytes, write: Callable[[bytes], Any]) -> None:
        self.requests.append((method, path, body))
        answer = self.pages.get(path.partition("?")[0], page(b"", "text/plain", status=404))
        with contextlib.suppress(OSError):  # the client may close the connection
            for part in answer():
                write(part)
                if self.stopped.is_set() or (len(part) == 1 and self.stopped.wait(0.05)):
                    return


def network(**changes: Any) -> dict[str, Any]:
    """The entry of a network in the handshake."""
    return {
        "networkType": "Net",
        "input": "frames",
        "emotions": ["calm"],
        "speakerIndependentUar": 0.5,
        "protocol": "none",
        "corpus": {"name": "none"},
        "intendedUse": {},
    } | changes


def _handler(server: HostilePages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            server.respond(self.command, self.path, body, self.wfile.write)

        do_POST = do_GET  # noqa: N815  the name that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler
