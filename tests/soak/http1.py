"""A minimal HTTP/1.1 client, which leaves most of the CPU time to the server."""

from dataclasses import dataclass

MAXIMUM_HEADER = 65_536


class ProtocolError(Exception):
    """The received bytes are not a valid answer."""


@dataclass(frozen=True)
class Answer:
    status: int
    header: bytes  # without the empty line at its end
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the server closes the connection after this answer."""
        return b"\r\nconnection: close" in self.header.lower()


def request(
    path: str, body: bytes, *, keep_alive: bool = True, headers: tuple[str, ...] = ()
) -> bytes:
    """A POST request."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *([] if keep_alive else ["Connection: close"]),
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class AnswerReader:
    """Assembles the answers from the bytes of a connection."""

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def is_empty(self) -> bool:
        """Whether no part of an answer has been received."""
        return not self._buffer

    def feed(self, data: bytes) -> Answer | None:
        """Adds received bytes; returns the answer if they complete it.

        Raises:
            ProtocolError: the bytes are not a valid answer.
        """
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAXIMUM_HEADER:
                raise ProtocolError("a header without end")
            return None
        header = self._buffer[:end]
        body = end + 4
        total = body + _content_length(header)
        if len(self._buffer) < total:
            return None
        answer = Answer(_status(header), header, self._buffer[body:total])
        self._buffer = self._buffer[total:]
        return answer


def _status(header: bytes) -> int:
    if header[:9] not in (b"HTTP/1.1 ", b"HTTP/1.0 ") or not header[9:12].isdigit():
        raise ProtocolError(f"no status line: {header[:40]!r}")
    return int(header[9:12])


def _content_length(header: bytes) -> int:
    lower = header.lower()
    start = lower.find(b"\r\ncontent-length:")
    if start < 0:
        if _status(header) in (204, 304):
            return 0
        raise ProtocolError(f"no content length: {header!r}")
    return int(lower[start + 17 :].split(b"\r\n", 1)[0])
