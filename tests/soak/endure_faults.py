"""Predictions from many clients while processes are killed and models change: nothing is lost."""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
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
from tests.soak.questions import Question, make_questions
from tests.soak.tables import table
from tests.support.harness import Server, running

CLIENTS_OF_EACH_KIND = 16
QUESTIONS = 64  # for each network
# A connection that was idle when Nginx was reloaded may be closed as long as this afterwards.
SECONDS_OF_A_RELOAD = 10.0


@dataclass(frozen=True)
class Options:
    """How long, and how much of it."""

    predictions: int = 1_000_000
    counts: Counts = field(default_factory=Counts)
    seed: int = 1
    minutes: float = 30.0  # then it ends, whole or not
    quiet: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    tally: Tally
    faults: list[Fault]
    seconds: float

    @property
    def nginx_kills(self) -> list[Fault]:
        """When Nginx itself was killed, which costs its open connections."""
        return [fault for fault in self.faults if fault.kind == KILLED_NGINX]

    @property
    def unexcused(self) -> list[Loss]:
        """Requests lost or answered wrongly that no killing of Nginx explains.

        To be sent again is no loss, but it must have a reason too: that Nginx was reloaded.
        """
        losses = [loss for loss in self.tally.losses if not self._killed(loss)]
        groundless = [
            loss
            for loss in self.tally.repeated
            if not self._killed(loss) and not self._reloaded(loss)
        ]
        return losses + groundless

    @property
    def mishaps(self) -> list[str]:
        """Faults that went otherwise than they should."""
        return [f"{fault.kind}: {fault.mishap}" for fault in self.faults if fault.mishap]

    def cause(self, loss: Loss) -> str:
        """The kind of the fault that explains the loss, or else of the last one before it."""
        explanation = self._killed(loss) or (self._reloaded(loss) if loss.sent_again else None)
        before = [fault for fault in self.faults if fault.start <= loss.noticed]
        return (explanation or max(before, key=lambda fault: fault.start)).kind

    def lost_with(self, kill: Fault) -> set[str]:
        """The clients that lost an answer when Nginx was killed."""
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
    """Whether the connection of the request was one of the Nginx that was killed."""
    return loss.connected <= kill.end and kill.start <= loss.noticed


def endure_faults(options: Options) -> Outcome:
    """Runs a stack of its own, and ends it."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        releases = make_releases(load_settings().models.directory, folder)
        random = np.random.default_rng(options.seed)
        questions = make_questions(releases.good, QUESTIONS, random)
        with running(folder / "run", SER_SERVER_ACCESS_LOG="no") as server:
            return uvloop.run(_run(server, folder / "run", releases, questions, options))


async def _run(
    server: Server,
    runtime: Path,
    releases: Releases,
    questions: Sequence[Question],
    options: Options,
) -> Outcome:
    random = Random(options.seed)
    injector = FaultInjector(server, runtime, releases, random)
    tally = Tally()
    target = Target(server.port, lambda: injector.live)
    injector.clients = [
        Client(f"{kind} {number}", target, questions, tally, random.randrange(2**32))
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
    """Does each fault after a random number of predictions, and waits for the last prediction."""
    plan = injector.plan(options.counts)
    random = Random(options.seed + 1)
    moments = sorted(random.uniform(0.02, 0.95) * options.predictions for _ in plan)
    told = 0
    async with asyncio.TaskGroup() as faults:
        for moment, fault in zip(moments, plan, strict=True):
            while tally.answers < moment:
                told = _tell(tally, told, options)
                await asyncio.sleep(0.01)
            faults.create_task(fault())
    while tally.answers < options.predictions:
        told = _tell(tally, told, options)
        await asyncio.sleep(0.01)


def _tell(tally: Tally, told: int, options: Options) -> int:
    step = options.predictions // 20
    if not options.quiet and tally.answers - told >= step:
        told = tally.answers // step * step
        print(f"  {told:>9,} predictions", file=sys.stderr, flush=True)
    return told


def report(outcome: Outcome) -> str:
    """What was done and what it cost, in words and in a table."""
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
    lines += [f"{len(tally.refused):,} connections refused while there was no Nginx"]
    lines += [f"MISHAP: {mishap}" for mishap in outcome.mishaps]
    lines += [f"LOST: {loss}" for loss in outcome.unexcused[:20]]
    lines.append(f"Lost or wrong without Nginx being killed: {len(outcome.unexcused)}")
    return "\n".join(lines)
