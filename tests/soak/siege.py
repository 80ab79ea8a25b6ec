"""Attacks on a server under an ordinary load: health checks stay quick, and nothing is lost."""

import asyncio
import socket
import tempfile
import threading
import time
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import uvloop

from server.settings import load_settings
from tests.soak.attacks import ATTACKS, Answers, Attack, fill_queue, send_batches
from tests.soak.clients import Loss
from tests.soak.faults import FIRST
from tests.soak.load import percentile, run_load
from tests.soak.processes import memory
from tests.soak.queries import Query, make_queries
from tests.soak.tables import table
from tests.support.harness import Server, running
from tests.support.machine.clock import WallClock

SECONDS = 20.0
CLIENTS = 8
RATE = 200.0  # ordinary requests a second
CLOCK_SHIFTS = (-3_600, 3_600, 0)  # seconds
SECONDS_OF_A_BURST, SECONDS_BETWEEN_BURSTS = 1.0, 2.0
LONGEST_PROBE = 0.1  # seconds, p99 of /livez
SECONDS_BETWEEN_PROBES = 0.05
PROBE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
TOLERATED = ("200", "400", "401", "403", "408", "413", "422", "429", "503", "held", "closed")


@dataclass
class Findings:
    """The measurements during one attack."""

    attack: str
    answers: Answers = field(default_factory=Answers)
    probes: "array[float]" = field(default_factory=lambda: array("d"))  # seconds, of /livez
    failed_probes: int = 0
    predictions: int = 0
    refused: int = 0  # ordinary predictions, with 503 and Retry-After
    batches: Answers = field(default_factory=Answers)  # answers to ordinary batches
    slowest_p99: float = 0.0  # seconds, of ordinary predictions
    losses: list[Loss] = field(default_factory=list)
    memory: int = 0  # largest resident bytes of all processes
    ended: int = 0  # processes

    @property
    def is_good(self) -> bool:
        """Whether health checks were quick, nothing was lost and no process ended."""
        strange = [told for told in self.answers if not told.startswith(TOLERATED)]
        quick = percentile(self.probes, 99) <= LONGEST_PROBE
        bare = any(told.endswith("without Retry-After") for told in self.answers)
        return quick and not (strange or bare or self.failed_probes or self.losses or self.ended)


@dataclass
class Siege:
    """The findings of all attacks."""

    findings: list[Findings]

    @property
    def is_good(self) -> bool:
        """Whether the server held in each."""
        return all(found.is_good for found in self.findings)


def lay_siege(seconds: float = SECONDS, attacks: Sequence[Attack] = ATTACKS) -> Siege:
    """Starts a server for each attack and measures it."""
    models = load_settings().models.directory
    queries = make_queries({FIRST: models}, 16, np.random.default_rng(1))
    findings = [_measure(attack, seconds, queries, {}) for attack in attacks]
    with tempfile.TemporaryDirectory(prefix="clock-") as name:
        clock = WallClock(Path(name))
        attack = Attack("wall clock moved by hours", partial(_move_clock, clock))
        findings.append(_measure(attack, seconds, queries, clock.variables))
    return Siege(findings)


async def _move_clock(clock: WallClock, port: int, seconds: float) -> Answers:
    """Moves the clock of the server back and forth, each time while its queue is full."""
    answers, shifts, end = Answers(), cycle(CLOCK_SHIFTS), time.monotonic() + seconds
    while time.monotonic() < end:
        async with asyncio.TaskGroup() as tasks:
            burst = tasks.create_task(fill_queue(port, SECONDS_OF_A_BURST))
            await asyncio.sleep(SECONDS_OF_A_BURST / 2)
            clock.shift(next(shifts))
        answers += burst.result()
        await asyncio.sleep(SECONDS_BETWEEN_BURSTS)
    return answers


def _measure(
    attack: Attack, seconds: float, queries: list[Query], variables: Mapping[str, str]
) -> Findings:
    """variables: of the server's environment."""
    with (
        tempfile.TemporaryDirectory(prefix="siege-") as name,
        running(Path(name), SER_SERVER_ACCESS_LOG="no", **variables) as server,
    ):
        findings = Findings(attack.name)
        processes = {process.pid for process in server.tree()}
        with _probing(server, findings):
            uvloop.run(_attack(attack, server, seconds, queries, findings))
        findings.ended = len(processes - {process.pid for process in server.tree()})
        return findings


async def _attack(
    attack: Attack, server: Server, seconds: float, queries: list[Query], findings: Findings
) -> None:
    async with asyncio.TaskGroup() as tasks:
        attacking = tasks.create_task(attack.run(server.port, seconds))
        load = tasks.create_task(run_load(seconds, server.port, queries, CLIENTS, RATE))
        batches = tasks.create_task(send_batches(server.port, seconds))
    tally, _ = load.result()
    findings.answers, findings.batches = attacking.result(), batches.result()
    findings.predictions, findings.losses = tally.answers, tally.losses
    findings.refused = len(tally.turned_away)
    findings.slowest_p99 = percentile(tally.latencies, 99)


class _probing:  # noqa: N801  # used as a context
    """Requests /livez from a thread of its own, and records the largest memory."""

    def __init__(self, server: Server, findings: Findings) -> None:
        self._server = server
        self._findings = findings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_PROBES):
            start = time.monotonic()
            self._findings.failed_probes += not _is_alive(self._server.port)
            self._findings.probes.append(time.monotonic() - start)
            self._findings.memory = max(self._findings.memory, memory(self._server))


def _is_alive(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(PROBE)
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def report(siege: Siege) -> str:
    """The measurements as a table."""
    heads = (
        "attack",
        "/livez p50 ms",
        "p99 ms",
        "failed",
        "predictions",
        "refused",
        "lost",
        "batches",
    )
    rows = [
        (
            found.attack,
            round(percentile(found.probes, 50) * 1000),
            round(percentile(found.probes, 99) * 1000),
            found.failed_probes,
            found.predictions,
            found.refused,
            len(found.losses),
            f"{found.batches['200']} of {found.batches.total()}",
        )
        for found in siege.findings
    ]
    lines = [table(heads, rows), ""]
    for found in siege.findings:
        answers = ", ".join(f"{told}: {count:,}" for told, count in found.answers.most_common())
        lines.append(
            f"{found.attack}: {answers}; memory at most {found.memory / 1e6:.0f} MB; "
            f"{found.ended} processes ended; predictions' p99 {found.slowest_p99 * 1000:.0f} ms"
        )
        lines += [f"LOST: {loss}" for loss in found.losses[:5]]
    return "\n".join(lines)
