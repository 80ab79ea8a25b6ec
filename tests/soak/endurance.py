"""Half of the load that the server can take, for a long time: nothing may grow."""

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
from tests.soak.load import ask_for
from tests.soak.processes import descriptors, memory
from tests.soak.questions import Question, make_questions
from tests.support.harness import Server, running

CLIENTS = 16
SECONDS_OF_WARM_UP = 60.0
SECONDS_BETWEEN_LOOKS = 5.0
PARTS = 10  # the first and the last one of the run are compared
LARGEST_GROWTH = 0.02


@dataclass
class Findings:
    """What was seen in the course of the run."""

    rate: float  # requests a second that were asked for
    answers: int = 0
    losses: list[Loss] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)  # bytes
    descriptors: list[int] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Of the mean resident memory from the first part to the last."""
        first, last = _ends(self.memory)
        return float(np.mean(last) / np.mean(first)) - 1

    @property
    def more_descriptors(self) -> int:
        """At most, in the last part, than at most in the first."""
        first, last = _ends(self.descriptors)
        return max(last) - max(first)

    @property
    def is_good(self) -> bool:
        """Whether nothing grew and nothing was lost."""
        return self.growth < LARGEST_GROWTH and self.more_descriptors <= 0 and not self.losses


def _ends(values: list[int]) -> tuple[list[int], list[int]]:
    length = max(1, len(values) // PARTS)
    return values[:length], values[-length:]


def endure(minutes: float) -> Findings:
    """Runs a stack of its own for that time."""
    questions = make_questions(
        {FIRST: load_settings().models.directory}, 16, np.random.default_rng(1)
    )
    with (
        tempfile.TemporaryDirectory(prefix="endurance-") as name,
        running(Path(name), SER_SERVER_ACCESS_LOG="no") as server,
    ):
        return uvloop.run(_endure(server, questions, minutes * 60))


async def _endure(server: Server, questions: list[Question], seconds: float) -> Findings:
    _, best = await ask_for(10, server.port, questions, CLIENTS)
    findings = Findings(best / 2)
    await ask_for(SECONDS_OF_WARM_UP, server.port, questions, CLIENTS, findings.rate)
    load = asyncio.create_task(ask_for(seconds, server.port, questions, CLIENTS, findings.rate))
    end = time.monotonic() + seconds
    while time.monotonic() < end - SECONDS_BETWEEN_LOOKS:
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        findings.memory.append(memory(server))
        findings.descriptors.append(descriptors(server))
    tally, _ = await load
    findings.answers, findings.losses = tally.answers, tally.losses
    return findings


def report(findings: Findings) -> str:
    """What was found."""
    first, last = (float(np.mean(part)) / 1e6 for part in _ends(findings.memory))
    return "\n".join(
        [
            f"{findings.answers:,} predictions at {findings.rate:,.0f} a second, half of the most",
            f"answers lost or wrong: {len(findings.losses)}",
            f"memory {first:.1f} MB, then {last:.1f} MB: {findings.growth:+.2%}",
            f"open file descriptors, at most: {findings.more_descriptors:+d}",
        ]
    )
