"""Rounds of turns: in each turn one contender runs alone on the core."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.contenders import Contender
from benchmarks.load import Client, Load
from benchmarks.payloads import CLIP
from benchmarks.processes import cpu_seconds, pss_mebibytes
from benchmarks.serving import BenchmarkError, serving, two_cores
from server.processes import adopt_orphans

CONNECTIONS = 16
OTHER_CONNECTIONS = (1, 64)  # for the curve of throughput against latency
ALL_CONNECTIONS = sorted([CONNECTIONS, *OTHER_CONNECTIONS])
SECONDS_AT_OTHERS = 1
WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Turn:
    """The measurements of a contender in a round.

    loads: by number of connections.
    cpu_ms: CPU time of 1,000 answers, at 16 connections.
    pss_mib: memory of all processes after the load.
    """

    loads: dict[int, Load]
    cpu_ms: float
    pss_mib: float

    @property
    def load(self) -> Load:
        """The load that is compared."""
        return self.loads[CONNECTIONS]


@dataclass
class Race:
    """The turns of each contender, and the failures of the others."""

    turns: dict[Contender, list[Turn]] = field(default_factory=dict)
    failures: dict[Contender, str] = field(default_factory=dict)

    def run(
        self,
        contenders: Iterable[Contender],
        rounds: int,
        seconds: int,
        log: Callable[[str], None],
    ) -> None:
        """Runs all turns; a contender that fails is excluded from later rounds.

        log: writes a line about the progress.

        Raises:
            BenchmarkError: the machine has fewer than two cores.
        """
        server_core, client_core = two_cores()
        adopt_orphans()
        self.turns = {contender: [] for contender in contenders}
        for number in range(1, rounds + 1):
            for contender in list(self.turns):
                try:
                    turn = _take_turn(contender, server_core, Client(client_core), seconds)
                except BenchmarkError as error:
                    self.failures[contender] = str(error)
                    del self.turns[contender]
                    log(f"round {number}: {contender.name} failed: {error}")
                    continue
                self.turns[contender].append(turn)
                log(f"round {number}: {contender.name} {turn.load.rate:,.0f}/s")


def _take_turn(contender: Contender, core: int, client: Client, seconds: int) -> Turn:
    body = contender.payload.body(CLIP)
    with serving(contender, core) as port:
        url = f"http://127.0.0.1:{port}{contender.path}"
        client.ask(url, body, CONNECTIONS, WARM_UP_SECONDS)
        before = cpu_seconds()
        load = client.ask(url, body, CONNECTIONS, seconds)
        cpu_ms = (cpu_seconds() - before) * 1e6 / load.answers
        pss_mib = pss_mebibytes()
        loads = {CONNECTIONS: load} | {
            connections: client.ask(url, body, connections, SECONDS_AT_OTHERS)
            for connections in OTHER_CONNECTIONS
        }
    return Turn(dict(sorted(loads.items())), cpu_ms, pss_mib)
