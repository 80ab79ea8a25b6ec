"""Clients that send predictions over raw connections without pause and check every answer."""

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import cast

from tests.soak.http1 import Answer, AnswerReader, ProtocolError
from tests.soak.queries import Query

SECONDS_BETWEEN_CONNECTS = 0.02
LONGEST_WAIT = 30.0  # seconds; then the answer counts as lost


@dataclass(frozen=True)
class Loss:
    """A request that got no answer or a wrong one."""

    client: str
    connected: float  # when the client opened the connection, on the monotonic clock
    noticed: float
    reason: str
    sent_again: bool = False


@dataclass
class Tally:
    """The results of all requests."""

    answers: int = 0
    losses: list[Loss] = field(default_factory=list)
    latencies: "array[float]" = field(default_factory=lambda: array("d"))  # seconds
    # Requests sent again because the server closed a kept connection before the answer began.
    # HTTP clients must do this: a server may close an idle connection at any time.
    repeated: list[Loss] = field(default_factory=list)
    refused: list[float] = field(
        default_factory=list
    )  # the times at which connections were refused
    # The times of answers 503 with Retry-After, which a client repeats later.
    turned_away: list[float] = field(default_factory=list)
    of_release: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Target:
    """The port of the server, and the releases that may answer at the moment."""

    port: int
    live: Callable[[], frozenset[str]]


class Client:
    """A client that keeps its connection, or opens a new one for each request.

    interval: seconds between the starts of requests; by default there is no pause.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        queries: Sequence[Query],
        tally: Tally,
        seed: int,
        *,
        interval: float = 0.0,
    ) -> None:
        self.name = name
        self.connected: float | None = None  # when the open connection was opened
        self._target = target
        self._tally = tally
        self._keep_alive = name.startswith("keep-alive")
        order = Random(seed).sample(queries, len(queries))
        self._queries = cycle([(q, q.request(keep_alive=self._keep_alive)) for q in order])
        self._interval = interval
        self._stopping = False
        self._connection: Connection | None = None

    def stop(self) -> None:
        """Stops after the pending answer."""
        self._stopping = True

    async def run(self) -> None:
        """Sends predictions until the client is stopped."""
        while not self._stopping:
            query, request = next(self._queries)
            start = time.monotonic()
            await self._ask(query, request)
            if self._interval:
                await asyncio.sleep(max(0.0, start + self._interval - time.monotonic()))
        self._close()

    async def _ask(self, query: Query, request: bytes) -> None:
        """Sends a request and checks the answer."""
        live = self._target.live()
        sent = time.monotonic()
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                answer = await self._exchange(request)
        except (ProtocolError, TimeoutError) as error:
            self._lose(str(error) or f"no answer within {LONGEST_WAIT:.0f} s")
            self._close()
            return
        self._tally.latencies.append(time.monotonic() - sent)
        self._judge(query, answer, live | self._target.live())
        if answer.closes or not self._keep_alive:
            self._close()

    async def _exchange(self, request: bytes) -> Answer:
        """The answer; repeats the request if the server had closed the idle connection."""
        if self._connection:
            answer = await self._connection.ask(request)
            if answer:
                return answer
            self._tally.repeated.append(self._loss("sent again", sent_again=True))
        self._connection = await self._connect()
        answer = await self._connection.ask(request)
        if answer is None:
            raise ProtocolError("closed without an answer")
        return answer

    def _close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = self.connected = None

    async def _connect(self) -> "Connection":
        """Opens a connection; repeats until the server accepts it."""
        while True:
            self.connected = time.monotonic()
            try:
                return await Connection.open(self._target.port)
            except OSError:
                self._tally.refused.append(time.monotonic())
                await asyncio.sleep(SECONDS_BETWEEN_CONNECTS)

    def _judge(self, query: Query, answer: Answer, live: frozenset[str]) -> None:
        if answer.status == 503 and b"\r\nretry-after:" in answer.header.lower():
            self._tally.turned_away.append(time.monotonic())
            return
        if answer.status != 200:
            self._lose(f"status {answer.status}")
            return
        releases = query.releases(answer.body)
        if not releases:
            self._lose(f"wrong probabilities: {answer.body!r}")
        elif not releases & live:
            self._lose(f"answer of release {', '.join(releases)}, not {', '.join(live)}")
        else:
            self._tally.answers += 1
            self._tally.of_release.update(releases & live)

    def _lose(self, reason: str) -> None:
        self._tally.losses.append(self._loss(reason))

    def _loss(self, reason: str, *, sent_again: bool = False) -> Loss:
        now = time.monotonic()
        return Loss(self.name, self.connected or now, now, reason, sent_again)


class Connection(asyncio.Protocol):
    """A connection that sends one request at a time."""

    def __init__(self) -> None:
        self._reader = AnswerReader()
        self._answer: asyncio.Future[Answer | None] | None = None
        self._ended = False

    @staticmethod
    async def open(port: int) -> "Connection":
        """Connects to a port of this machine."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> "asyncio.Future[Answer | None]":
        """The answer; None if the connection was closed before its first byte."""
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        if self._ended:
            self._answer.set_result(None)
            return self._answer
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        try:
            answer = self._reader.feed(data)
        except ProtocolError as error:
            self._end(error)
            return
        if answer and self._answer and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        half = not self._reader.is_empty
        self._end(ProtocolError("closed within the answer") if half else None)

    def close(self) -> None:
        self._transport.close()

    def _end(self, error: ProtocolError | None) -> None:
        self._ended = True
        if self._answer and not self._answer.done():
            if error:
                self._answer.set_exception(error)
            else:
                self._answer.set_result(None)
