"""The HTTP/1.1 protocol of a worker: uvicorn's, with buffered writes."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.http.transport import BufferedTransport, WriteCoalescer
from server.problems import messages
from server.problems.documents import CONTENT_TYPE, Problem

LINGER_SECONDS = 1.0  # the time that a refused connection is still read; see HttpProtocol


def _malformed_request() -> bytes:
    """A 400 response with the problem document that Nginx sends for malformed requests."""
    body = Problem(messages.MALFORMED_REQUEST).document()
    header = (
        f"HTTP/1.1 400 Bad Request\r\ncontent-type: {CONTENT_TYPE}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return header.encode() + body


MALFORMED_REQUEST = _malformed_request()


class HttpProtocol(HttpToolsProtocol):
    """One connection.

    After a malformed request the connection is read a little longer. Closing it while data is
    unread would reset it, and the client would lose the answer.

    coalescer: shared by all connections of the worker.
    """

    coalescer: WriteCoalescer
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wraps the transport."""
        super().connection_made(transport)
        self.transport = self._buffered = BufferedTransport(transport, self.coalescer)

    def data_received(self, data: bytes) -> None:
        """Parses the data, or drops it after a malformed request."""
        if not self._is_refused:
            super().data_received(data)

    def eof_received(self) -> None:
        """Sends the buffer before uvloop closes the connection."""
        self._buffered.send()

    def on_response_complete(self) -> None:
        """Sends the header of an answer without a body."""
        self._buffered.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's text
        """Answers a malformed request with a problem document."""
        self._is_refused = True
        self.transport.write(MALFORMED_REQUEST)
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
