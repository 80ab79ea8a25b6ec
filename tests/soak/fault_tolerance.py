"""Predictions from many clients while processes are killed and models are activated."""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import numpy as np
import uvloop

from server.settings import load_settings
from tests.soak.clients import Client, Loss, Tally, Target
from tests.soak.faults import (
    KILLED_NGINX,
    RELOADED_NGINX,
    Counts,
    Fault,
    FaultInjector,
    Releases,
    make_releases,
)
from tests.soak.queries import Query, make_queries
from tests.soak.tables import table
from tests.support.harness import RUN, Server, running
from tests.support.machine.clock import WallClock
from tests.support.machine.control_group import memory_limit
from tests.support.machine.small_disk import small_disk

CLIENTS_OF_EACH_KIND = 16
QUERIES = 64  # of each network
# After a reload, Nginx may close idle connections for this long.
SECONDS_OF_A_RELOAD = 10.0


MEMORY = 768 * 2**20  # bytes; the limit of the manifest
RUNTIME_MEBIBYTES = 64  # of the file system with the runtime directory
ALL_FAULTS = Counts(clock_jumps=12, full_disks=6, attacks=15)
# After an attack, its memory may not be free yet.
SECONDS_AFTER_AN_ATTACK = 5.0


@dataclass(frozen=True)
class Options:
    """The length of a run, its faults and its surroundings.

    is_confined: with a limit of memory, a small runtime directory and a clock that moves; needs
        root.
    """

    predictions: int = 1_000_000
    counts: Counts = field(default_factory=Counts)
    is_confined: bool = False
    seed: int = 1
    minutes: float = 30.0  # limit of the run
    quiet: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    tally: Tally
    faults: list[Fault]
    seconds: float
    peak: int = 0  # largest memory of the server's control group in bytes
    killed_for_memory: int = 0  # processes

    @property
    def nginx_kills(self) -> list[Fault]:
        """The kills of Nginx, which close its open connections."""
        return [fault for fault in self.faults if fault.kind == KILLED_NGINX]

    @property
    def unexplained(self) -> list[Loss]:
        """Lost or wrong answers that no kill of Nginx explains.

        A repeated request is no loss, but a kill or a reload of Nginx must explain it.
        """
        losses = [loss for loss in self.tally.losses if not self._killed(loss)]
        groundless = [
            loss
            for loss in self.tally.repeated
            if not self._killed(loss) and not self._reloaded(loss)
        ]
        return losses + groundless

    @property
    def groundless_refusals(self) -> int:
        """The number of refusals with 503 that no attack explains."""
        attacks = [fault for fault in self.faults if fault.is_attack]
        return sum(
            not any(a.start <= moment <= a.end + SECONDS_AFTER_AN_ATTACK for a in attacks)
            for moment in self.tally.turned_away
        )

    @property
    def unexpected(self) -> list[str]:
        """Faults with an unexpected outcome."""
        return [f"{fault.kind}: {fault.unexpected}" for fault in self.faults if fault.unexpected]

    @property
    def is_good(self) -> bool:
        """Whether every loss is explained and every fault had the expected outcome."""
        is_calm = not self.groundless_refusals and not self.killed_for_memory
        return is_calm and not self.unexplained and not self.unexpected

    def cause(self, loss: Loss) -> str:
        """The kind of the fault that explains the loss, else of the last fault before it."""
        explanation = self._killed(loss) or (self._reloaded(loss) if loss.sent_again else None)
        before = [fault for fault in self.faults if fault.start <= loss.noticed]
        return (explanation or max(before, key=lambda fault: fault.start)).kind

    def lost_with(self, kill: Fault) -> set[str]:
        """The clients that lost an answer by this kill of Nginx."""
        tally = self.tally
        return {loss.client for loss in (*tally.losses, *tally.repeated) if _fits(loss, kill)}

    def _killed(self, loss: Loss) -> Fault | None:
        return next((kill for kill in self.nginx_kills if _fits(loss, kill)), None)

    def _reloaded(self, loss: Loss) -> Fault | None:
        return next(
            (
                fault
                for fault in self.faults
                if fault.kind == RELOADED_NGINX
                and fault.start <= loss.noticed <= fault.start + SECONDS_OF_A_RELOAD
            ),
            None,
        )


def _fits(loss: Loss, kill: Fault) -> bool:
    """Whether the killed Nginx had the connection of the request."""
    return loss.connected <= kill.end and kill.start <= loss.noticed


def endure_faults(options: Options) -> Outcome:
    """Starts a server and runs the faults on it."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        releases = make_releases(load_settings().models.directory, folder)
        random = np.random.default_rng(options.seed)
        queries = make_queries(releases.good, QUERIES, random)
        if options.is_confined:
            return _endure_confined(folder, releases, queries, options)
        with running(folder / "run", SER_SERVER_ACCESS_LOG="no") as server:
            return uvloop.run(_run(server, releases, queries, options))


def _endure_confined(
    folder: Path, releases: Releases, queries: Sequence[Query], options: Options
) -> Outcome:
    clock = WallClock(folder)
    with (
        memory_limit(MEMORY) as group,
        small_disk(folder / "run", RUNTIME_MEBIBYTES) as disk,
        running(
            disk.path,
            command=group.command(*RUN),
            SER_SERVER_ACCESS_LOG="no",
            **clock.variables,
        ) as server,
    ):
        outcome = uvloop.run(_run(server, releases, queries, options, clock))
        return replace(outcome, peak=group.peak, killed_for_memory=group.killed_for_memory)


async def _run(
    server: Server,
    releases: Releases,
    queries: Sequence[Query],
    options: Options,
    clock: WallClock | None = None,
) -> Outcome:
    random = Random(options.seed)
    injector = FaultInjector(server, releases, random, clock)
    tally = Tally()
    target = Target(server.port, lambda: injector.live)
    injector.clients = [
        Client(f"{kind} {number}", target, queries, tally, random.randrange(2**32))
        for kind in ("keep-alive", "one-shot")
        for number in range(CLIENTS_OF_EACH_KIND)
    ]
    start = time.monotonic()
    async with asyncio.timeout(options.minutes * 60), asyncio.TaskGroup() as tasks:
        for client in injector.clients:
            tasks.create_task(client.run())
        await _inject(injector, tally, options)
        for client in injector.clients:
            client.stop()
    return Outcome(tally, injector.done, time.monotonic() - start)


async def _inject(injector: FaultInjector, tally: Tally, options: Options) -> None:
    """Injects each fault after a random number of predictions; waits for the last prediction."""
    plan = injector.plan(options.counts)
    random = Random(options.seed + 1)
    positions = sorted(random.uniform(0.02, 0.95) * options.predictions for _ in plan)
    reported = 0
    async with asyncio.TaskGroup() as faults:
        for position, fault in zip(positions, plan, strict=True):
            while tally.answers < position:
                reported = _report_progress(tally, reported, options)
                await asyncio.sleep(0.01)
            faults.create_task(fault())
    while tally.answers < options.predictions:
        reported = _report_progress(tally, reported, options)
        await asyncio.sleep(0.01)


def _report_progress(tally: Tally, reported: int, options: Options) -> int:
    step = options.predictions // 20
    if not options.quiet and tally.answers - reported >= step:
        reported = tally.answers // step * step
        print(f"  {reported:>9,} predictions", file=sys.stderr, flush=True)
    return reported


def report(outcome: Outcome) -> str:
    """The faults and their losses as text."""
    tally = outcome.tally
    times = Counter(fault.kind for fault in outcome.faults)
    lost = Counter(map(outcome.cause, tally.losses))
    repeated = Counter(map(outcome.cause, tally.repeated))
    rows = [(kind, times[kind], lost[kind], repeated[kind]) for kind in sorted(times)]
    lines = [
        f"{tally.answers:,} predictions with the right probabilities in {outcome.seconds:.0f} s",
        f"{tally.answers / outcome.seconds:,.0f} a second",
        f"the slowest {max(tally.latencies):.2f} s",
        "",
        table(("fault", "times", "lost or wrong", "sent again"), rows),
        "",
    ]
    for kill in outcome.nginx_kills:
        victims = sorted(outcome.lost_with(kill))
        lines.append(
            f"Nginx killed: {len(kill.connected)} open connections, {len(victims)} without an "
            f"answer: {', '.join(victims)}"
        )
    if outcome.peak:
        lines.append(
            f"memory at most {outcome.peak / 2**20:.0f} of {MEMORY / 2**20:.0f} MiB, "
            f"{outcome.killed_for_memory} processes killed for memory"
        )
    lines.append(
        f"{len(tally.turned_away):,} predictions refused with 503 and Retry-After, "
        f"{outcome.groundless_refusals} of them without an attack"
    )
    lines += [f"{len(tally.refused):,} connections refused while there was no Nginx"]
    lines += [f"UNEXPECTED: {unexpected}" for unexpected in outcome.unexpected]
    lines += [f"LOST: {loss}" for loss in outcome.unexplained[:20]]
    lines.append(f"Lost or wrong without a kill of Nginx: {len(outcome.unexplained)}")
    return "\n".join(lines)
