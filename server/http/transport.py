"""Write coalescing: fewer, larger writes to the connections of a worker."""

import asyncio
from time import perf_counter

HEADER = b"HTTP/1.1 "
INTERIM_HEADER = b"HTTP/1.1 1"  # such as 100 Continue, which must be sent at once

MAXIMUM_DELAY_SECONDS = 0.001


class WriteCoalescer:
    """Sends all answers of one iteration of the event loop together, at its end.

    PERF: each write may wake the process that reads it, which costs more than reading. Batching
    the writes wakes it once; see docs/decisions/no-lost-answers.md.

    seconds: how long an answer may wait for others of the same iteration.
    """

    def __init__(self, seconds: float = MAXIMUM_DELAY_SECONDS) -> None:
        self._seconds = seconds
        self._waiting: list[BufferedTransport] = []
        self._began = 0.0

    def add(self, transport: "BufferedTransport") -> None:
        """Schedules `transport.send`; sends at once if the first one has waited too long."""
        now = perf_counter()
        if not self._waiting:
            self._began = now
            asyncio.get_running_loop().call_soon(self._send_all)
        self._waiting.append(transport)
        if now - self._began > self._seconds:
            self._send_all()

    def _send_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            transport.send()


class BufferedTransport(asyncio.Transport):
    """Sends the header of an answer together with its body.

    uvicorn writes them separately. If a worker is killed between the two writes, Nginx has to
    forward half an answer. If nothing was sent, Nginx repeats the request at another worker.
    """

    def __init__(self, transport: asyncio.Transport, coalescer: WriteCoalescer) -> None:
        super().__init__()
        self._transport = transport
        self._coalescer = coalescer
        self._header = self._buffer = b""
        self._ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Buffers the data; a header waits until its body follows."""
        if not self._header and data[:9] == HEADER and data[:10] != INTERIM_HEADER:
            self._header = bytes(data)
            return
        is_waiting, self._buffer = bool(self._buffer), self._buffer + self._header + data
        self._header = b""
        if not is_waiting:
            self._coalescer.add(self)

    def send(self) -> None:
        """Sends the buffer, or drops it if the connection has ended."""
        data, self._buffer = self._buffer, b""
        if data and not self._ended and not self._transport.is_closing():
            self._transport.write(data)

    def flush(self) -> None:
        """Buffers a header that has no body."""
        if self._header:
            self.write(b"")

    def write_eof(self) -> None:
        """Sends the buffer and closes the writing side; the reading side stays open.

        Later writes are dropped.
        """
        self.flush()
        self.send()
        self._ended = True
        self._transport.write_eof()

    def close(self) -> None:
        """Sends the buffer and closes the connection."""
        self.flush()
        self.send()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is closed or is being closed."""
        return self._transport.is_closing()
