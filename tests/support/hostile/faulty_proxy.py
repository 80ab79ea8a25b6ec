"""A proxy before a real server that injects faults into its answers."""

import socket
import struct
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx

from tests.support.hostile.listener import Listener

PASSED_ON = ("Content-Type", "Inference-Header-Content-Length")  # headers of a request with a body
RESET = struct.pack("ii", 1, 0)  # linger for 0 s: closing sends a reset


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


Change = Callable[[Answer], Answer | None]  # None: the connection is reset


def replaced_by(status: int, body: bytes = b"", **headers: str) -> Change:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Answer(status, body, names)


def unchanged(answer: Answer) -> Answer:
    return answer


def reset(_: Answer) -> None:
    return None


class FaultyProxy(Listener):
    """Serves below `/prefix`; each answer for `path` takes the next fault of `faults[path]`.

    passed_on: the headers that reach the server.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.faults: dict[str, list[Change]] = defaultdict(list)
        self.passed_on: tuple[str, ...] = PASSED_ON
        self.requests: list[tuple[str, bytes]] = []  # path without the query, body
        super().__init__(_handler(self))
        self.url += "/prefix"

    def count(self, path: str) -> int:
        return sum(found == path for found, _ in self.requests)

    def answer(self, method: str, target: str, body: bytes, headers: Any) -> Answer | None:
        path = target.partition("?")[0]
        self.requests.append((path, body))
        sent = {name: headers[name] for name in self.passed_on if name in headers}
        found = httpx.request(method, self.upstream + target, content=body, headers=sent)
        answer = Answer(
            found.status_code, found.content, {"Content-Type": found.headers["Content-Type"]}
        )
        return self.faults[path].pop(0)(answer) if self.faults[path] else answer


def _handler(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on(b"")

        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

        def _pass_on(self, body: bytes) -> None:
            target = self.path.removeprefix("/prefix")
            answer = proxy.answer(self.command, target, body, self.headers)
            if answer is None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                self.connection.close()
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
