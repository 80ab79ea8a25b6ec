"""Clients that send one byte per second: they are disconnected and delay no other client."""

import asyncio
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import uvloop

from server.settings import load_settings
from tests.soak.faults import FIRST
from tests.soak.load import percentile, run_load
from tests.soak.queries import Query, make_queries
from tests.support.harness import Server, running

SLOW_CLIENTS = 500
NORMAL_CLIENTS = 8
NORMAL_RATE = 400.0  # requests a second
SECONDS_TO_MEASURE = 20.0
SECONDS_OF_GRACE = 2.0  # tolerated delay of a timeout
HEADER = b"POST /prediction/DNN HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /prediction/DNN HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"


@dataclass
class Findings:
    """The measurements of normal and slow clients."""

    p99_before: float  # seconds
    p99_during: float = 0.0
    lost: int = 0  # answers of normal clients
    cut_off_after: dict[str, list[float]] = field(default_factory=dict)  # seconds, by kind
    answers: Counter[str] = field(default_factory=Counter)
    allowed: dict[str, float] = field(default_factory=dict)  # seconds, by kind

    @property
    def is_good(self) -> bool:
        """Whether all limits held."""
        in_time = all(
            max(seconds) <= self.allowed[kind] + SECONDS_OF_GRACE
            for kind, seconds in self.cut_off_after.items()
        )
        return in_time and not self.lost and self.p99_during <= 2 * self.p99_before


def measure_slow_clients(slow_clients: int = SLOW_CLIENTS) -> Findings:
    """Starts a server and measures it."""
    queries = make_queries({FIRST: load_settings().models.directory}, 16, np.random.default_rng(1))
    with (
        tempfile.TemporaryDirectory(prefix="slow-") as name,
        running(Path(name), SER_SERVER_ACCESS_LOG="no") as server,
    ):
        return uvloop.run(_measure(server, queries, slow_clients))


async def _measure(server: Server, queries: list[Query], slow_clients: int) -> Findings:
    async def normal() -> tuple[float, int]:
        tally, _ = await run_load(
            SECONDS_TO_MEASURE, server.port, queries, NORMAL_CLIENTS, NORMAL_RATE
        )
        return percentile(tally.latencies, 99), len(tally.losses)

    await normal()  # warm-up
    before, _ = await normal()
    settings = load_settings().server
    findings = Findings(before)
    findings.allowed = {
        "header": settings.header_timeout_seconds,
        "body": settings.body_timeout_seconds,
    }
    findings.cut_off_after = {"header": [], "body": []}
    async with asyncio.TaskGroup() as tasks:
        for number in range(slow_clients):
            kind = "body" if number % 2 else "header"
            tasks.create_task(_drip(server.port, kind, findings))
        findings.p99_during, findings.lost = await normal()
    return findings


async def _drip(port: int, kind: str, findings: Findings) -> None:
    """Sends a byte per second until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    start = time.monotonic()
    writer.write(HEADER if kind == "header" else BODY)
    reading = asyncio.create_task(reader.read())
    limit = findings.allowed[kind] + 10 * SECONDS_OF_GRACE
    while not reading.done() and time.monotonic() - start < limit:
        writer.write(b"1")
        await asyncio.wait([reading], timeout=1)
    findings.cut_off_after[kind].append(time.monotonic() - start)
    if not reading.done():
        reading.cancel()
        findings.answers["nothing: not cut off"] += 1
    elif reading.exception():
        findings.answers["closed"] += 1
    else:
        findings.answers[reading.result()[:12].decode() or "closed"] += 1
    writer.close()


def report(findings: Findings) -> str:
    """The measurements as text."""
    kinds = [
        f"{len(seconds)} slow clients with their {kind}: cut off after {min(seconds):.1f} to "
        f"{max(seconds):.1f} s; {findings.allowed[kind]} s are allowed"
        for kind, seconds in findings.cut_off_after.items()
    ]
    answers = ", ".join(f"{what} ({count})" for what, count in findings.answers.items())
    before, during = findings.p99_before * 1000, findings.p99_during * 1000
    return "\n".join(
        [
            f"p99 of normal clients {before:.1f} ms without slow ones, {during:.1f} ms with them",
            f"answers of normal clients lost: {findings.lost}",
            *kinds,
            f"answers to slow clients: {answers}",
        ]
    )
