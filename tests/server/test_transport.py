"""Answers of one turn of the event loop are sent together, each in one write."""

import asyncio
import time

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


def answer(answers: BufferedTransport) -> None:
    answers.write(HEADER)
    answers.write(BODY)


async def turn() -> None:
    await asyncio.sleep(0)


def test_the_answers_of_a_turn_are_sent_at_its_end_in_one_write_each() -> None:
    async def two() -> list[bytes]:
        sent: list[bytes] = []
        coalescer = WriteCoalescer(seconds=60)
        answer(BufferedTransport(RecordingTransport(sent), coalescer))
        answer(BufferedTransport(RecordingTransport(sent), coalescer))
        assert sent == []
        await turn()
        return sent

    assert asyncio.run(two()) == [HEADER + BODY] * 2


def test_an_answer_waits_no_longer_than_the_limit() -> None:
    async def one_late() -> list[bytes]:
        sent: list[bytes] = []
        coalescer = WriteCoalescer(seconds=0.001)
        answer(BufferedTransport(RecordingTransport(sent), coalescer))
        time.sleep(0.002)  # noqa: ASYNC251  # a slow prediction in the same turn
        answer(BufferedTransport(RecordingTransport(sent), coalescer))
        return sent

    assert asyncio.run(one_late()) == [HEADER + BODY] * 2


def test_closing_a_connection_sends_its_answer_first() -> None:
    async def close() -> list[bytes]:
        sent: list[bytes] = []
        answers = BufferedTransport(RecordingTransport(sent), WriteCoalescer(seconds=60))
        answer(answers)
        answers.close()
        await turn()
        return sent

    assert asyncio.run(close()) == [HEADER + BODY]


def test_nothing_is_sent_on_a_closed_connection() -> None:
    async def gone() -> list[bytes]:
        sent: list[bytes] = []
        connection = RecordingTransport(sent)
        answer(BufferedTransport(connection, WriteCoalescer(seconds=60)))
        connection.close()
        await turn()
        return sent

    assert asyncio.run(gone()) == []


def test_a_refused_connection_does_not_delay_others() -> None:
    async def refused() -> list[bytes]:
        sent: list[bytes] = []
        coalescer = WriteCoalescer(seconds=60)
        refused, other = (BufferedTransport(RecordingTransport(sent), coalescer) for _ in range(2))
        answer(refused)
        refused.write_eof()
        answer(refused)
        answer(other)
        await turn()
        return sent

    assert asyncio.run(refused()) == [HEADER + BODY] * 2


def test_a_body_may_start_like_a_header() -> None:
    async def alike() -> list[bytes]:
        sent: list[bytes] = []
        answers = BufferedTransport(RecordingTransport(sent), WriteCoalescer(seconds=60))
        answers.write(HEADER)
        answers.write(HEADER)
        await turn()
        return sent

    assert asyncio.run(alike()) == [HEADER * 2]


def test_a_second_answer_on_the_same_connection_follows_the_first() -> None:
    async def pipelined() -> list[bytes]:
        sent: list[bytes] = []
        answers = BufferedTransport(RecordingTransport(sent), WriteCoalescer(seconds=60))
        answer(answers)
        answer(answers)
        await turn()
        return sent

    assert asyncio.run(pipelined()) == [(HEADER + BODY) * 2]
