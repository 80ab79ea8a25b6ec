"""A worker's HTTP/1.1: uvicorn's, but an answer is sent as a whole or not at all."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER = b"HTTP/1.1 "
INTERIM_HEADER = b"HTTP/1.1 1"

# Nginx answers in the same words where it stands before.
MALFORMED_REQUEST = (
    b'{"type":"urn:problem:speech-emotion:malformed-request","title":"Malformed request",'
    b'"status":400,"detail":"The request is not valid HTTP."}'
)
MALFORMED_REQUEST_HEADER = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n" % len(MALFORMED_REQUEST)
)


class WholeAnswers(asyncio.Transport):
    """Holds the header of an answer back until there is something of its body to send with it.

    A worker that is killed between two writes leaves half an answer behind, which Nginx can only
    pass on; where nothing was sent it gives the request to another worker.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._header = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends the data, after the header that was held back."""
        if self._header:
            data, self._header = self._header + data, b""
        elif data[:9] == HEADER and data[:10] != INTERIM_HEADER:
            self._header = bytes(data)
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Sends a header that no body follows."""
        if self._header:
            self.write(b"")

    def close(self) -> None:
        """Closes the connection after all that was written."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self._transport.is_closing()


class Protocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the connection."""
        super().connection_made(transport)
        self.transport = self._answers = WholeAnswers(transport)

    def on_response_complete(self) -> None:
        """Ends an answer, which may have had no body."""
        self._answers.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's own text
        """Answers what is not HTTP with a problem document."""
        self.transport.write(MALFORMED_REQUEST_HEADER + MALFORMED_REQUEST)
        self.transport.close()
