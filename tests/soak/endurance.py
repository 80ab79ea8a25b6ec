"""Half of the maximum load for a long time: memory and descriptors must not grow."""

import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import uvloop

from server.settings import load_settings
from tests.soak.clients import Loss
from tests.soak.faults import FIRST
from tests.soak.load import run_load
from tests.soak.processes import descriptors, memory
from tests.soak.queries import Query, make_queries
from tests.support.harness import Server, running

CLIENTS = 16
SECONDS_OF_WARM_UP = 60.0
SECONDS_BETWEEN_SAMPLES = 5.0
PARTS = 10  # the first and the last part of the run are compared
LARGEST_GROWTH = 0.02


@dataclass
class Findings:
    """The measurements of a run."""

    rate: float  # requests per second sent
    answers: int = 0
    losses: list[Loss] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)  # bytes
    descriptors: list[int] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """The relative growth of the mean resident memory from the first to the last part."""
        first, last = _ends(self.memory)
        return float(np.mean(last) / np.mean(first)) - 1

    @property
    def more_descriptors(self) -> int:
        """The growth of the maximum number of descriptors from the first to the last part."""
        first, last = _ends(self.descriptors)
        return max(last) - max(first)

    @property
    def is_good(self) -> bool:
        """Whether nothing grew and no answer was lost."""
        return self.growth < LARGEST_GROWTH and self.more_descriptors <= 0 and not self.losses


def _ends(values: list[int]) -> tuple[list[int], list[int]]:
    length = max(1, len(values) // PARTS)
    return values[:length], values[-length:]


def endure(minutes: float) -> Findings:
    """Starts a server and runs the load on it."""
    queries = make_queries({FIRST: load_settings().models.directory}, 16, np.random.default_rng(1))
    with (
        tempfile.TemporaryDirectory(prefix="endurance-") as name,
        running(Path(name), SER_SERVER_ACCESS_LOG="no") as server,
    ):
        return uvloop.run(_endure(server, queries, minutes * 60))


async def _endure(server: Server, queries: list[Query], seconds: float) -> Findings:
    _, best = await run_load(10, server.port, queries, CLIENTS)
    findings = Findings(best / 2)
    await run_load(SECONDS_OF_WARM_UP, server.port, queries, CLIENTS, findings.rate)
    load = asyncio.create_task(run_load(seconds, server.port, queries, CLIENTS, findings.rate))
    end = time.monotonic() + seconds
    while time.monotonic() < end - SECONDS_BETWEEN_SAMPLES:
        await asyncio.sleep(SECONDS_BETWEEN_SAMPLES)
        findings.memory.append(memory(server))
        findings.descriptors.append(descriptors(server))
    tally, _ = await load
    findings.answers, findings.losses = tally.answers, tally.losses
    return findings


def report(findings: Findings) -> str:
    """The measurements as text."""
    first, last = (float(np.mean(part)) / 1e6 for part in _ends(findings.memory))
    return "\n".join(
        [
            f"{findings.answers:,} predictions at {findings.rate:,.0f} a second, half the maximum",
            f"answers lost or wrong: {len(findings.losses)}",
            f"memory {first:.1f} MB, then {last:.1f} MB: {findings.growth:+.2%}",
            f"open file descriptors, at most: {findings.more_descriptors:+d}",
        ]
    )
