"""Rounds of turns: in each turn one contender runs alone on its cores."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.bare_loop import run_bare_loop
from benchmarks.contenders import Contender
from benchmarks.load import Client, Load
from benchmarks.processes import cpu_seconds, pss_mebibytes
from benchmarks.serving import BenchmarkError, serving, usable_cores
from server.processes import adopt_orphans

CURVE_SECONDS = 1
WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Turn:
    """The measurements of a contender in a round.

    load: the load that is compared.
    cpu_ms: CPU time of 1,000 answers under it.
    pss_mib: memory of all processes after it; 0: not measured.
    curve: the loads with the workload's other numbers of connections, and this one among them.
    """

    load: Load
    cpu_ms: float
    pss_mib: float = 0
    curve: tuple[Load, ...] = ()


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
        usable_cores()
        adopt_orphans()
        self.turns = {contender: [] for contender in contenders}
        for number in range(1, rounds + 1):
            for contender in list(self.turns):
                try:
                    turn = _take_turn(contender, seconds)
                except BenchmarkError as error:
                    self.failures[contender] = str(error)
                    del self.turns[contender]
                    log(f"round {number}: {contender.name} failed: {error}")
                    continue
                self.turns[contender].append(turn)
                log(f"round {number}: {contender.name} {turn.load.rate:,.0f}/s")


def _take_turn(contender: Contender, seconds: int) -> Turn:
    if not contender.arguments:
        load, cpu = run_bare_loop(contender, usable_cores()[0], seconds)
        return Turn(load, cpu * 1e6 / load.answers)
    workload, client = contender.workload, Client(usable_cores()[-1])
    body = contender.format.write(workload.mfccs())
    with serving(contender) as port:
        url = f"http://127.0.0.1:{port}{contender.path}"
        client.ask(url, body, workload.connections, WARM_UP_SECONDS)
        before = cpu_seconds()
        load = client.ask(url, body, workload.connections, seconds)
        cpu_ms = (cpu_seconds() - before) * 1e6 / load.answers
        pss_mib = pss_mebibytes()
        curve = [
            load if count == workload.connections else client.ask(url, body, count, CURVE_SECONDS)
            for count in workload.curve
        ]
    return Turn(load, cpu_ms, pss_mib, tuple(curve))
