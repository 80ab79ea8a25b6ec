"""A worker's HTTP/1.1: uvicorn's, but an answer is sent as a whole or not at all."""

import asyncio
from http import HTTPStatus
from time import perf_counter
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.http.connection_limits import Guard, Waiting
from server.paths import HEALTH_PATHS
from server.problems import messages
from server.problems.documents import Problem
from server.settings import ServerSettings

HEADER = b"HTTP/1.1 "
INTERIM_HEADER = b"HTTP/1.1 1"

HTTP_VERSIONS = ("1.0", "1.1")


def _refusal(kind: messages.ProblemKind) -> bytes:
    """A whole answer, in the words that Nginx has where it stands before."""
    body = Problem(kind).document()
    header = (
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\n"
        "content-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return header.encode() + body


MALFORMED = _refusal(messages.MALFORMED_REQUEST)
HEADER_TOO_LARGE = _refusal(messages.HEADER_TOO_LARGE)
TOO_SLOW = _refusal(
    messages.ProblemKind(
        408, "request-timeout", "Request timeout", "The request was not received in time."
    )
)
UNSUPPORTED_VERSION = _refusal(messages.UNSUPPORTED_HTTP_VERSION)


SECONDS_TO_WAIT = 0.001  # of an answer for those that come after it


class Outbox:
    """Sends the answers that the requests of one turn of the event loop got, one after the other.

    PERF: whoever reads them is woken up once for many, which costs more than to read one. Tens of
    per cent of all answers where clients are on another core.
    """

    def __init__(self, seconds: float = SECONDS_TO_WAIT) -> None:
        self._seconds = seconds
        self._waiting: list[WholeAnswers] = []
        self._began = 0.0

    def add(self, answers: "WholeAnswers") -> None:
        """Sends them at the end of the turn, or when others have waited for long enough."""
        now = perf_counter()
        if not self._waiting:
            self._began = now
            asyncio.get_running_loop().call_soon(self._send_all)
        self._waiting.append(answers)
        if now - self._began > self._seconds:
            self._send_all()

    def _send_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for answers in waiting:
            answers.send()


class WholeAnswers(asyncio.Transport):
    """Holds the header of an answer back until there is something of its body to send with it.

    A worker that is killed between two writes leaves half an answer behind, which Nginx can only
    pass on; where nothing was sent it gives the request to another worker.
    """

    def __init__(self, transport: asyncio.Transport, outbox: Outbox) -> None:
        super().__init__()
        self._transport = transport
        self._outbox = outbox
        self._header = self._whole = b""
        self._ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends the data by the outbox, after the header that was held back."""
        if not self._header and data[:9] == HEADER and data[:10] != INTERIM_HEADER:
            self._header = bytes(data)
            return
        waits, self._whole = bool(self._whole), self._whole + self._header + data
        self._header = b""
        if not waits:
            self._outbox.add(self)

    def send(self) -> None:
        """Sends what waits in the outbox; a connection that has ended takes nothing."""
        whole, self._whole = self._whole, b""
        if whole and not self._ended and not self._transport.is_closing():
            self._transport.write(whole)

    def flush(self) -> None:
        """Sends a header that no body follows."""
        if self._header:
            self.write(b"")

    def write_eof(self) -> None:
        """Says, after all that was written, that nothing follows; what comes in is still read.

        What is written from now on is dropped.
        """
        self.flush()
        self.send()
        self._ended = True
        self._transport.write_eof()

    def close(self) -> None:
        """Closes the connection after all that was written."""
        self.flush()
        self.send()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self._transport.is_closing()


LINGER_SECONDS = 1.0  # in which what a refused client still sends is thrown away


class Protocol(HttpToolsProtocol):
    """One connection.

    outbox: of the worker.
    guard: limits the clients; None where Nginx does.
    """

    outbox: Outbox
    guard: Guard | None = None
    maximum_header_bytes = 65_536
    _header_bytes = 0
    _in_header = True
    _refused_with = MALFORMED
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the connection."""
        super().connection_made(transport)
        self.transport = self._answers = WholeAnswers(transport, self.outbox)
        if self.guard:
            self.guard.watched = self.connections  # type: ignore[assignment]  # all of our kind
            self.guard.connected(self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the connection."""
        super().connection_lost(exc)
        if self.guard:
            self.guard.disconnected(self._address)

    def eof_received(self) -> None:
        """Sends what was written; then uvloop ends the connection."""
        self._answers.send()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def data_received(self, data: bytes) -> None:
        """Takes what came; refuses a header that does not end."""
        if self._refused:
            return
        if self._in_header:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_header and self._header_bytes > self.maximum_header_bytes:
            self._refuse(HEADER_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begins a request."""
        super().on_message_begin()
        self._in_header = True

    def on_headers_complete(self) -> None:
        """Hands the request to the application."""
        self._in_header, self._header_bytes = False, 0
        if self.parser.get_http_version() not in HTTP_VERSIONS:
            self._refused_with = UNSUPPORTED_VERSION
            raise ValueError("uvicorn ends the connection by send_400_response")
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self.guard and self.scope["path"] not in HEALTH_PATHS:
            refusal = self.guard.refusal(self._address, self.tasks, self.loop.time())
            app = refusal or app
        super()._start_asgi_task(cycle, app)

    def waits_for(self, settings: ServerSettings) -> Waiting | None:
        """What the client has not sent yet; None where it has nothing to send."""
        if self._refused or self.transport.is_closing():
            return None
        if self._in_header:
            return Waiting(settings.header_timeout_seconds, self.scope)
        cycle = self.cycle
        if cycle and cycle.more_body and not cycle.response_complete:
            return Waiting(settings.body_timeout_seconds, cycle)
        return None

    def cut_off(self) -> None:
        """Refuses a client that is too slow."""
        self._refuse(TOO_SLOW)

    def on_response_complete(self) -> None:
        """Ends an answer, which may have had no body."""
        self._answers.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's own text
        """Answers what is not HTTP with a problem document."""
        self._refuse(self._refused_with)

    def _refuse(self, answer: bytes) -> None:
        """Answers, and reads on for a moment: closing at once would take the answer back."""
        if self._refused:
            return
        self._refused = True
        self.transport.write(answer)
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
