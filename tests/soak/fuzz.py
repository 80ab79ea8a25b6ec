"""Malformed requests: none may cause a server error or end a process."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from tests.soak.http1 import Answer, AnswerReader, ProtocolError
from tests.soak.mutants import Mutant
from tests.soak.mutations import Mutator
from tests.soak.processes import memory
from tests.soak.tables import table
from tests.support.applications.loop_delays import COMMAND, FOLDER_VARIABLE, longest_delay
from tests.support.harness import Server, running

CONNECTIONS = 16
SECONDS_TO_ANSWER = 20.0
WARM_UP = 0.1  # share of the requests
LARGEST_GROWTH = 0.05  # relative, of the memory
LONGEST_DELAY = 0.05  # seconds, of an event loop


@dataclass
class Findings:
    """The answers of the server, and the errors."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)  # kind and status
    closed: Counter[str] = field(default_factory=Counter)  # closed without an answer, by kind
    errors: list[str] = field(default_factory=list)  # unexpected answers
    memory: tuple[int, int] = (0, 0)  # bytes, after the warm-up and at the end
    restarted: list[int] = field(default_factory=list)  # ids of processes that ended
    longest_delay: float = 0.0  # seconds, of an event loop

    @property
    def growth(self) -> float:
        """The relative growth of the resident memory of all processes."""
        before, after = self.memory
        return after / before - 1

    @property
    def is_good(self) -> bool:
        """Whether there was no error, no restart, and no growth or delay beyond the limit."""
        is_steady = self.growth <= LARGEST_GROWTH and self.longest_delay <= LONGEST_DELAY
        return is_steady and not self.errors and not self.restarted


def fuzz(bodies: int, seed: int) -> Findings:
    """Starts a server and sends mutants to it."""
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-") as name,
        tempfile.TemporaryDirectory(prefix="delays-") as delays,
        running(
            Path(name), command=COMMAND, SER_SERVER_ACCESS_LOG="no", **{FOLDER_VARIABLE: delays}
        ) as server,
    ):
        findings = fuzz_server(server, bodies, seed)
        findings.longest_delay = longest_delay(Path(delays))
        server.predict()
        return findings


def fuzz_server(server: Server, bodies: int, seed: int) -> Findings:
    """Sends mutants to a running server."""
    findings = Findings()
    mutator = Mutator(seed)
    first = int(bodies * WARM_UP)
    uvloop.run(_send(server.port, mutator.make, first, findings))
    pids, before = _pids(server), memory(server)
    uvloop.run(_send(server.port, mutator.make, bodies - first, findings))
    findings.memory = before, memory(server)
    findings.restarted = sorted(pids - _pids(server))
    return findings


def _pids(server: Server) -> set[int]:
    return {process.pid for process in server.tree()}


async def _send(port: int, make: Callable[[], Mutant], count: int, findings: Findings) -> None:
    left = iter(range(count))

    async def client() -> None:
        connection: _Connection | None = None
        for _ in left:
            mutant = make()
            if mutant.framed:
                connection = connection or await _Connection.open(port)
                connection = await _exchange(mutant, connection, findings)
            else:
                await _exchange(mutant, await _Connection.open(port), findings)
        if connection:
            connection.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(client())


async def _exchange(
    mutant: Mutant, connection: "_Connection", findings: Findings
) -> "_Connection | None":
    """Sends a mutant; returns the connection if it can be used again."""
    try:
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            answer = await connection.ask(mutant)
    except (ProtocolError, TimeoutError) as error:
        findings.errors.append(f"{mutant.kind}: {error!r} to {mutant.data[:300]!r}")
        connection.close()
        return None
    if answer is None:
        findings.closed[mutant.kind] += 1
        if mutant.framed:
            findings.errors.append(f"{mutant.kind}: closed after {mutant.data[:300]!r}")
        return None
    findings.answers[mutant.kind, answer.status] += 1
    if answer.status >= 500:
        findings.errors.append(f"{mutant.kind}: {answer.status} to {mutant.data[:300]!r}")
    if mutant.framed and not answer.closes:
        return connection
    connection.close()
    return None


class _Connection:
    """A connection over asyncio streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._answers = AnswerReader()

    @staticmethod
    async def open(port: int) -> "_Connection":
        return _Connection(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, mutant: Mutant) -> Answer | None:
        """The answer; None if the server closes the connection without one."""
        try:
            self._writer.write(mutant.data)
            if not mutant.framed:
                self._writer.write_eof()
            while data := await self._reader.read(65_536):
                answer = self._answers.feed(data)
                if answer:
                    return answer
        except ConnectionError:
            pass
        self.close()
        return None

    def close(self) -> None:
        self._writer.close()


def report(findings: Findings) -> str:
    """The numbers of answers as a table."""
    kinds = sorted({kind for kind, _ in findings.answers} | set(findings.closed))
    statuses = sorted({status for _, status in findings.answers})
    rows = [
        (kind, *(findings.answers[kind, status] for status in statuses), findings.closed[kind])
        for kind in kinds
    ]
    before, after = (size / 1e6 for size in findings.memory)
    return "\n".join(
        [
            table(("body", *map(str, statuses), "closed"), rows),
            "",
            f"{sum(findings.answers.values()) + findings.closed.total():,} requests",
            f"memory {before:.0f} MB, then {after:.0f} MB: {findings.growth:+.1%}",
            f"{len(findings.restarted)} processes restarted",
            f"the event loop was held for at most {findings.longest_delay * 1000:.0f} ms",
            *(f"WRONG: {error}" for error in findings.errors[:20]),
        ]
    )
