"""Ten times the maximum load: the server answers what it can and refuses the rest."""

import asyncio
import tempfile
import time
from array import array
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import uvloop

from server.launch.nginx.memory import BYTES_PER_CONNECTION
from server.settings import load_settings
from tests.soak.clients import Connection
from tests.soak.faults import FIRST
from tests.soak.http1 import Answer, ProtocolError
from tests.soak.load import percentile, run_load
from tests.soak.processes import memory, own_core
from tests.soak.queries import Query, make_queries
from tests.support.harness import Server, started

TIMES = 10
FRAMES = 130
SECONDS = 20.0
SECONDS_OF_A_TICK = 0.002
CLIENTS = (8, 16, 32)  # candidates for the best throughput
MOST_CONNECTIONS = 2_000
REFUSALS = (429, 503)
LOWEST_SHARE = 0.9  # of the best throughput
LONGEST_REFUSAL = 2.2  # seconds: refusals are paced, see docs/decisions/limits.md
LONGEST_PROBE = 1.0  # seconds; the default timeout of orchestrators for /livez
SECONDS_TO_RECOVER = 2.0
LARGEST_GROWTH = 0.1  # of the memory, besides what Nginx has for the requests that wait
BYTES_PER_WAITING_REQUEST = BYTES_PER_CONNECTION // 2  # 21 kB measured


@dataclass
class Findings:
    """The measurements."""

    best: float = 0.0  # answers a second
    normal_median: float = 0.0  # seconds, with few clients
    offered: int = 0
    served: int = 0
    refused: "array[float]" = field(default_factory=lambda: array("d"))  # seconds until the refusal
    without_retry_after: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    probes: "array[float]" = field(default_factory=lambda: array("d"))  # seconds, of /livez
    memory: list[int] = field(default_factory=list)  # bytes, before and during the overload
    median_after: float = 0.0  # seconds, after SECONDS_TO_RECOVER

    @property
    def share(self) -> float:
        """The throughput under overload, relative to the best throughput."""
        return self.served / SECONDS / self.best

    @property
    def growth(self) -> float:
        """The largest relative growth of the memory."""
        return max(self.memory) / self.memory[0] - 1

    @property
    def most_memory(self) -> float:
        """Bytes, while all connections wait for a refusal."""
        waiting = MOST_CONNECTIONS * BYTES_PER_WAITING_REQUEST
        return self.memory[0] * (1 + LARGEST_GROWTH) + waiting

    @property
    def is_good(self) -> bool:
        """Whether all limits held."""
        return (
            self.share >= LOWEST_SHARE
            and percentile(self.refused, 99) <= LONGEST_REFUSAL
            and percentile(self.probes, 99) <= LONGEST_PROBE
            and not self.without_retry_after
            and not self.wrong
            and max(self.memory) <= self.most_memory
            and self.median_after <= 2 * self.normal_median
        )


def measure_overload() -> Findings:
    """Starts a server, on other cores than this process if possible, and overloads it.

    The requests are the most expensive ones: the frames of a clip of three seconds, for a frame
    network if there is one. Cheaper requests would load this process more than the server.
    """
    models = load_settings().models.directory
    queries = make_queries({FIRST: models}, 16, np.random.default_rng(1), FRAMES)
    of_frames = [query for query in queries if query.takes_frames]
    with (
        tempfile.TemporaryDirectory(prefix="overload-") as name,
        own_core() as command,
        started(
            Path(name), command=command, SER_SERVER_ACCESS_LOG="no", SER_SERVER_WORKERS=1
        ) as server,
    ):
        server.wait_for_line("Ready: ")
        return uvloop.run(_measure(server, of_frames or queries))


async def _measure(server: Server, queries: list[Query]) -> Findings:
    findings = Findings()
    for clients in CLIENTS:
        _, rate = await run_load(5, server.port, queries, clients)
        findings.best = max(findings.best, rate)
    tally, _ = await run_load(3, server.port, queries, 4)
    findings.normal_median = percentile(tally.latencies, 50)
    findings.memory.append(memory(server))
    await _Overload(server, queries, findings).run()
    await asyncio.sleep(SECONDS_TO_RECOVER)
    tally, _ = await run_load(3, server.port, queries, 4)
    findings.median_after = percentile(tally.latencies, 50)
    return findings


class _Overload:
    """Sends requests at a fixed rate, independent of the answers."""

    def __init__(self, server: Server, queries: list[Query], findings: Findings) -> None:
        self._server = server
        self._queries = [(q, q.request(keep_alive=True)) for q in queries]
        self._findings = findings
        self._idle: deque[Connection] = deque()
        self._open = 0

    async def run(self) -> None:
        rate = TIMES * self._findings.best
        start, end = time.monotonic(), time.monotonic() + SECONDS
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(end))
            while time.monotonic() < end:
                due = int((time.monotonic() - start) * rate)
                while self._findings.offered < due and self._may_send():
                    connection = self._idle.popleft() if self._idle else None
                    self._open += connection is None
                    self._findings.offered += 1
                    tasks.create_task(self._send(self._findings.offered, connection))
                await asyncio.sleep(SECONDS_OF_A_TICK)
        for connection in self._idle:
            connection.close()

    def _may_send(self) -> bool:
        return bool(self._idle) or self._open < MOST_CONNECTIONS

    async def _send(self, number: int, connection: Connection | None) -> None:
        query, request = self._queries[number % len(self._queries)]
        sent = time.monotonic()
        try:
            connection, answer = await self._exchange(request, connection)
        except (OSError, ProtocolError) as error:
            self._open -= 1
            self._findings.wrong[str(error) or type(error).__name__] += 1
            return
        if answer.status == 200 and query.releases(answer.body):
            self._findings.served += 1
        elif answer.status in REFUSALS:
            self._findings.refused.append(time.monotonic() - sent)
            self._findings.without_retry_after += b"retry-after:" not in answer.header.lower()
        else:
            self._findings.wrong[f"status {answer.status}"] += 1
        if answer.closes:
            connection.close()
            self._open -= 1
        else:
            self._idle.append(connection)

    async def _exchange(
        self, request: bytes, connection: Connection | None
    ) -> tuple[Connection, Answer]:
        """An answer, on the idle connection or else on a new one."""
        if connection:
            answer = await connection.ask(request)
            if answer:
                return connection, answer
        connection = await Connection.open(self._server.port)
        answer = await connection.ask(request)
        if answer is None:
            raise ProtocolError("closed without an answer")
        return connection, answer

    async def _watch(self, end: float) -> None:
        """Requests /livez and measures the memory."""
        request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
        while time.monotonic() < end:
            connection = await Connection.open(self._server.port)
            start = time.monotonic()
            answer = await connection.ask(request)
            connection.close()
            if answer is None or answer.status != 200:
                self._findings.wrong["/livez"] += 1
            self._findings.probes.append(time.monotonic() - start)
            self._findings.memory.append(memory(self._server))
            await asyncio.sleep(0.25)


def report(findings: Findings) -> str:
    """The measurements as text."""
    before, most = findings.memory[0] / 1e6, max(findings.memory) / 1e6
    served, offered = findings.served / SECONDS, findings.offered / SECONDS
    refused, probes = findings.refused, findings.probes
    return "\n".join(
        [
            f"best {findings.best:,.0f} answers a second",
            f"offered {offered:,.0f}, served {served:,.0f}: {findings.share:.0%} of the best",
            f"refused {len(refused):,}, {findings.without_retry_after} without Retry-After",
            f"refused after {_milliseconds(refused, 50)}, p99 {_milliseconds(refused, 99)}",
            f"anything else: {dict(findings.wrong) or 'nothing'}",
            f"/livez answered {len(probes)} times, p99 {_milliseconds(probes, 99)}",
            f"memory {before:.0f} MB, at most {most:.0f} MB: {findings.growth:+.1%}",
            f"median latency {findings.normal_median * 1000:.1f} ms before",
            f"and {findings.median_after * 1000:.1f} ms {SECONDS_TO_RECOVER:.0f} s afterwards",
        ]
    )


def _milliseconds(values: "array[float]", share: float) -> str:
    return f"{percentile(values, share) * 1000:.0f} ms"
