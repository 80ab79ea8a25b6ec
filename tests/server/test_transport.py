"""Answers of one iteration of the event loop are sent together, each in one write."""

import asyncio
import time
from collections.abc import Callable

from server.http.transport import BufferedTransport, WriteCoalescer


class RecordingTransport(asyncio.Transport):
    """Records the writes."""

    def __init__(self, sent: list[bytes]) -> None:
        super().__init__()
        self._sent = sent
        self.closed = self._ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed or self._ended:
            raise RuntimeError("Cannot call write() after write_eof()")  # as uvloop's
        self._sent.append(bytes(data))

    def write_eof(self) -> None:
        self._ended = True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


HEADER, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"body"
END = b"end of the iteration"


Connect = Callable[[], BufferedTransport]


def sent_by(act: Callable[[Connect], None], seconds: float = 60.0) -> list[bytes]:
    """All writes of one iteration of the event loop in which `act` answers on new connections."""
    sent: list[bytes] = []

    async def run() -> None:
        coalescer = WriteCoalescer(seconds)
        act(lambda: BufferedTransport(RecordingTransport(sent), coalescer))
        sent.append(END)
        await asyncio.sleep(0)

    asyncio.run(run())
    return sent


def answer(connection: BufferedTransport) -> None:
    connection.write(HEADER)
    connection.write(BODY)


def test_the_answers_of_an_iteration_are_sent_at_its_end_in_one_write_each() -> None:
    def two(connect: Connect) -> None:
        answer(connect())
        answer(connect())

    assert sent_by(two) == [END, *[HEADER + BODY] * 2]


def test_an_answer_waits_no_longer_than_the_limit() -> None:
    def one_late(connect: Connect) -> None:
        answer(connect())
        time.sleep(0.002)  # a slow prediction in the same iteration
        answer(connect())

    assert sent_by(one_late, seconds=0.001) == [*[HEADER + BODY] * 2, END]


def test_closing_a_connection_sends_its_answer_first() -> None:
    def close(connect: Connect) -> None:
        connection = connect()
        answer(connection)
        connection.close()

    assert sent_by(close) == [HEADER + BODY, END]


def test_nothing_is_sent_on_a_closed_connection() -> None:
    sent: list[bytes] = []
    closed = RecordingTransport(sent)

    async def gone() -> None:
        answer(BufferedTransport(closed, WriteCoalescer(seconds=60)))
        closed.close()
        await asyncio.sleep(0)

    asyncio.run(gone())
    assert sent == []


def test_a_refused_connection_does_not_delay_others() -> None:
    def refuse(connect: Connect) -> None:
        refused = connect()
        answer(refused)
        refused.write_eof()
        answer(refused)
        answer(connect())

    assert sent_by(refuse) == [HEADER + BODY, END, HEADER + BODY]


def test_a_body_may_start_like_a_header() -> None:
    def alike(connect: Connect) -> None:
        connection = connect()
        connection.write(HEADER)
        connection.write(HEADER)

    assert sent_by(alike) == [END, HEADER * 2]


def test_a_second_answer_on_the_same_connection_follows_the_first() -> None:
    def pipelined(connect: Connect) -> None:
        connection = connect()
        answer(connection)
        answer(connection)

    assert sent_by(pipelined) == [END, (HEADER + BODY) * 2]
