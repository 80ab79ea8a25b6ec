"""The HTTP/1.1 protocol of a worker: uvicorn's, with buffered writes."""

import asyncio
from http import HTTPStatus
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.http.transport import BufferedTransport, WriteCoalescer
from server.problems import messages
from server.problems.documents import CONTENT_TYPE, Problem

HTTP_VERSIONS = ("1.0", "1.1")
MAXIMUM_HEADER_BYTES = 65_536  # without Nginx; Nginx has its own limit
DISCONNECTED = "disconnected"  # server/api/requests.py looks for it in the state of a request
LINGER_SECONDS = 1.0  # the time that a refused connection is still read; see HttpProtocol


def _response(kind: messages.ProblemKind) -> bytes:
    """A response with the problem document that Nginx sends for such a request."""
    body = Problem(kind).document()
    header = (
        f"HTTP/1.1 {kind.status} {HTTPStatus(kind.status).phrase}\r\n"
        f"content-type: {CONTENT_TYPE}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return header.encode() + body


MALFORMED_REQUEST = _response(messages.MALFORMED_REQUEST)
HEADER_TOO_LARGE = _response(messages.HEADER_TOO_LARGE)
UNSUPPORTED_HTTP_VERSION = _response(messages.UNSUPPORTED_HTTP_VERSION)


class HttpProtocol(HttpToolsProtocol):
    """One connection.

    After a refusal the connection is read a little longer. Closing it while data is
    unread would reset it, and the client would lose the answer.

    coalescer: shared by all connections of the worker.
    """

    coalescer: WriteCoalescer
    _header_bytes = 0
    _is_in_header = True
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wraps the transport."""
        super().connection_made(transport)
        self._state: dict[str, Any] = {}  # of all requests of this connection
        self.transport = self._buffered = BufferedTransport(transport, self.coalescer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Lets the requests of this connection know that nobody waits for their answers."""
        self._state[DISCONNECTED] = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses the data; drops it after a refusal."""
        if self._is_refused:
            return
        if self._is_in_header:
            self._header_bytes += len(data)
        self._unset_keepalive_if_required()
        self._parse(data)
        if self._is_in_header and self._header_bytes > MAXIMUM_HEADER_BYTES:
            self._refuse(HEADER_TOO_LARGE)

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            if self._is_in_header:
                self._parse_without_upgrade(data[upgrade.args[0] :])
        except HttpParserError:
            self.send_400_response("")

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Parses the header again, without the offer of another protocol.

        The parser ends a request with such an offer at its header, and would take its body for the
        next request. RFC 9110 lets a server ignore the offer.
        """
        request_line = b"%b %b HTTP/%b" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        headers = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._parse(b"\r\n".join([request_line, *headers, b"", rest]))

    def on_message_begin(self) -> None:
        """Begins a request."""
        super().on_message_begin()
        self.scope["state"] = self._state
        self._is_in_header = True

    def on_headers_complete(self) -> None:
        """Passes the request to the application, if it can handle its version."""
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            return  # _parse_without_upgrade follows
        self._is_in_header, self._header_bytes = False, 0
        if self.parser.get_http_version() not in HTTP_VERSIONS:
            self._refuse(UNSUPPORTED_HTTP_VERSION)
            raise ValueError("stops the parser; uvicorn then calls send_400_response")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Ends a request, unless its header is parsed again."""
        if self._is_in_header:
            return
        super().on_message_complete()
        if not self.pipeline:
            self.flow.resume_reading()  # a connection that is not read is never lost

    def eof_received(self) -> None:
        """Sends the buffer before uvloop closes the connection."""
        self._buffered.send()

    def on_response_complete(self) -> None:
        """Sends the header of an answer without a body."""
        self._buffered.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's text
        """Answers a malformed request with a problem document."""
        self._refuse(MALFORMED_REQUEST)

    def _refuse(self, response: bytes) -> None:
        if self._is_refused:
            return
        self._is_refused = True
        self.transport.write(response)
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
