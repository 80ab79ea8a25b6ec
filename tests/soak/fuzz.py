"""Requests that no honest client sends: none may end in an error or the end of the server."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from tests.soak.http1 import Answer, AnswerReader, ProtocolError
from tests.soak.mutations import Mutator
from tests.soak.oddities import Mutant
from tests.soak.tables import table
from tests.support.harness import Server, running

CONNECTIONS = 16
SECONDS_TO_ANSWER = 20.0
WARM_UP = 0.1  # share of the bodies
LARGEST_GROWTH = 0.05  # of the memory


@dataclass
class Findings:
    """What the server said."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)  # kind and status
    closed: Counter[str] = field(default_factory=Counter)  # closed without an answer, by kind
    errors: list[str] = field(default_factory=list)  # what must not be
    memory: tuple[int, int] = (0, 0)  # bytes, after the warm-up and at the end
    restarted: list[int] = field(default_factory=list)  # processes that are no longer there

    @property
    def growth(self) -> float:
        """Of the resident memory of all processes, as a share."""
        before, after = self.memory
        return after / before - 1

    @property
    def is_good(self) -> bool:
        """Whether all held."""
        return not self.errors and not self.restarted and self.growth <= LARGEST_GROWTH


def fuzz(bodies: int, seed: int) -> Findings:
    """Sends that many mutants to a stack of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-") as name,
        running(Path(name), SER_SERVER_ACCESS_LOG="no") as server,
    ):
        findings = fuzz_server(server, bodies, seed)
        server.predict()
        return findings


def fuzz_server(server: Server, bodies: int, seed: int) -> Findings:
    """Sends that many mutants to a running server."""
    findings = Findings()
    mutator = Mutator(seed)
    first = int(bodies * WARM_UP)
    uvloop.run(_send(server.port, mutator.make, first, findings))
    before, memory = _pids(server), _memory(server)
    uvloop.run(_send(server.port, mutator.make, bodies - first, findings))
    findings.memory = memory, _memory(server)
    findings.restarted = sorted(before - _pids(server))
    return findings


def _pids(server: Server) -> set[int]:
    return {process.pid for process in server.tree()}


def _memory(server: Server) -> int:
    return sum(process.memory_info().rss for process in server.tree())


async def _send(port: int, make: Callable[[], Mutant], count: int, findings: Findings) -> None:
    left = iter(range(count))

    async def client() -> None:
        connection: _Connection | None = None
        for _ in left:
            mutant = make()
            if mutant.framed:
                connection = connection or await _Connection.open(port)
                connection = await _tell(mutant, connection, findings)
            else:
                await _tell(mutant, await _Connection.open(port), findings)
        if connection:
            connection.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(client())


async def _tell(
    mutant: Mutant, connection: "_Connection", findings: Findings
) -> "_Connection | None":
    """Sends one; returns the connection if another may follow on it."""
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
    """One connection over asyncio's streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._answers = AnswerReader()

    @staticmethod
    async def open(port: int) -> "_Connection":
        return _Connection(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, mutant: Mutant) -> Answer | None:
        """The answer; None where the server closes without one."""
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
    """What was sent and what came, as a table."""
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
            *(f"WRONG: {error}" for error in findings.errors[:20]),
        ]
    )
