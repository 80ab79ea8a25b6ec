"""Injects faults into a running server."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeVar

import psutil

from tests.soak.attacks import ATTACKS_WITH_LITTLE_MEMORY, Answers
from tests.support.harness import PYTHON, ROOT, Server
from tests.support.machine.clock import WallClock
from tests.support.machine.small_disk import SmallDisk

if TYPE_CHECKING:
    from tests.soak.clients import Client

FIRST, SECOND = "as committed", "names swapped"
SECONDS_TO_FIND_A_VICTIM = 30.0

KILLED_WORKER = "worker killed (SIGKILL)"
RELOADED_WORKERS = "workers reloaded (SIGHUP)"
KILLED_GUNICORN = "Gunicorn's master killed"
RELOADED_NGINX = "Nginx reloaded (SIGHUP)"
KILLED_NGINX = "Nginx killed, with its processes"
ACTIVATED = "models activated"
REFUSED = "broken models refused"
MOVED_CLOCK = "wall clock moved by an hour"
FILLED_DISK = "runtime directory full, worker killed"

SECONDS_OF_AN_ATTACK = 8.0
SECONDS_OF_A_FULL_DISK = 3.0
CLOCK_SHIFTS = (-3_600, 0, 3_600)  # seconds; from the one to the next

Victim = TypeVar("Victim")
Step = Callable[[], Coroutine[None, None, None]]


@dataclass
class Fault:
    """An injected fault, with its times on the monotonic clock."""

    kind: str
    start: float
    end: float
    connected: list[str] = field(default_factory=list)  # connected clients when Nginx was killed
    unexpected: str = ""  # an unexpected outcome
    is_attack: bool = False


@dataclass(frozen=True)
class Counts:
    """The number of injections of each fault."""

    worker_kills: int = 100
    worker_reloads: int = 10
    gunicorn_kills: int = 5
    nginx_reloads: int = 10
    nginx_kills: int = 3
    activations: int = 5  # every second one with broken models
    clock_jumps: int = 0
    full_disks: int = 0
    attacks: int = 0


class FaultInjector:
    """Injects faults and tracks the releases of the models that may answer.

    clock: the server's wall clock, if it can be moved.
    """

    def __init__(
        self,
        server: Server,
        releases: "Releases",
        random: Random,
        clock: WallClock | None = None,
    ) -> None:
        self._server = server
        self._releases = releases
        self._random = random
        self._clock = clock
        self._activating = asyncio.Lock()
        self._attacking = asyncio.Lock()
        self._shifts, self._attacks = cycle(CLOCK_SHIFTS), cycle(ATTACKS_WITH_LITTLE_MEMORY)
        self._active = FIRST
        self.live = frozenset([FIRST])
        self.done: list[Fault] = []
        self.clients: list[Client] = []

    def plan(self, counts: Counts) -> list[Step]:
        """All faults in random order; activations keep their own order."""
        plan: list[Step] = [
            *[self._kill_worker] * counts.worker_kills,
            *[self._reload_workers] * counts.worker_reloads,
            *[self._kill_gunicorn] * counts.gunicorn_kills,
            *[self._reload_nginx] * counts.nginx_reloads,
            *[self._kill_nginx] * counts.nginx_kills,
            *[self._activate_next] * counts.activations,
            *[self._move_clock] * counts.clock_jumps,
            *[self._fill_disk] * counts.full_disks,
            *[self._attack] * counts.attacks,
        ]
        self._random.shuffle(plan)
        return plan

    async def _kill_worker(self) -> None:
        worker = await self._find(lambda: self._random.choice(self._server.workers()))
        self._signal(KILLED_WORKER, [worker], signal.SIGKILL)

    async def _reload_workers(self) -> None:
        self._signal(RELOADED_WORKERS, [await self._find_gunicorn()], signal.SIGHUP)

    async def _kill_gunicorn(self) -> None:
        self._signal(KILLED_GUNICORN, [await self._find_gunicorn()], signal.SIGKILL)

    async def _reload_nginx(self) -> None:
        self._signal(RELOADED_NGINX, (await self._find_nginx())[:1], signal.SIGHUP)

    async def _kill_nginx(self) -> None:
        processes = await self._find_nginx()
        connected = [client.name for client in self.clients if client.connected is not None]
        start = time.monotonic()
        # The whole process group: a reloading master may be starting more workers.
        os.killpg(processes[0].pid, signal.SIGKILL)
        fault = Fault(KILLED_NGINX, start, time.monotonic())
        self.done.append(fault)
        fault.connected = connected
        # Their connections stay open until the processes are gone.
        while any(map(_lives, processes)):  # noqa: ASYNC110  # there is no event for this
            await asyncio.sleep(0.001)
        fault.end = time.monotonic()

    async def _activate_next(self) -> None:
        """Activates good and broken models alternately, one activation at a time."""
        async with self._activating:
            number = sum(fault.kind in (ACTIVATED, REFUSED) for fault in self.done)
            if number % 2:
                await self._activate(self._releases.broken[number // 2 % 2], None)
            else:
                release = SECOND if self._active == FIRST else FIRST
                await self._activate(self._releases.good[release], release)

    async def _activate(self, folder: Path, release: str | None) -> None:
        """Activates models; `release` is None for models that must be refused."""
        fault = Fault(ACTIVATED if release else REFUSED, time.monotonic(), time.monotonic())
        self.done.append(fault)
        if release:
            self.live |= {release}
        process = await asyncio.create_subprocess_exec(
            *(PYTHON, "-m", "server", "models", "activate", folder),
            cwd=ROOT,
            env=os.environ | {"SER_SERVER_RUNTIME_DIRECTORY": str(self._server.runtime)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        fault.end = time.monotonic()
        if (process.returncode == 0) != (release is not None):
            fault.unexpected = f"exit status {process.returncode}: {output.decode().strip()}"
        if process.returncode == 0 and release:
            self._active = release
        self.live = frozenset([self._active])

    async def _move_clock(self) -> None:
        assert self._clock, "the server's clock cannot be moved"
        self._clock.shift(next(self._shifts))
        self.done.append(Fault(MOVED_CLOCK, time.monotonic(), time.monotonic()))

    async def _fill_disk(self) -> None:
        """Leaves no room in the runtime directory while a worker starts; no models change then."""
        async with self._activating:
            fault = Fault(FILLED_DISK, time.monotonic(), 0.0)
            disk = SmallDisk(self._server.runtime)
            try:
                disk.fill()
                await self._kill_worker()
                await asyncio.sleep(SECONDS_OF_A_FULL_DISK)
            finally:
                disk.clear()
            fault.end = time.monotonic()
            self.done.append(fault)

    async def _attack(self) -> None:
        """Runs the next attack, one at a time."""
        async with self._attacking:
            attack = next(self._attacks)
            fault = Fault(attack.name, time.monotonic(), 0.0, is_attack=True)
            self.done.append(fault)
            answers = await attack.run(self._server.port, SECONDS_OF_AN_ATTACK)
            fault.end = time.monotonic()
            fault.unexpected = _unexpected(answers)

    def _signal(
        self, kind: str, processes: Iterable[psutil.Process], number: signal.Signals
    ) -> None:
        start = time.monotonic()
        for process in processes:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        self.done.append(Fault(kind, start, time.monotonic()))

    async def _find_gunicorn(self) -> psutil.Process:
        """The master once it has workers; before, it does not handle signals."""

        def find() -> psutil.Process:
            self._server.workers()[0]
            return self._server.gunicorn()

        return await self._find(find)

    async def _find_nginx(self) -> list[psutil.Process]:
        """The master and its workers, once it has workers."""

        def find() -> list[psutil.Process]:
            master = self._server.nginx()
            children = master.children()
            children[0].pid  # noqa: B018  # raises if there is none
            return [master, *children]

        return await self._find(find)

    async def _find(self, look: Callable[[], Victim]) -> Victim:
        """Repeats `look` until it succeeds: the processes may still be restarting."""
        deadline = time.monotonic() + SECONDS_TO_FIND_A_VICTIM
        while True:
            try:
                return look()
            except (LookupError, psutil.NoSuchProcess):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.05)


def _unexpected(answers: Answers) -> str:
    """The server errors among the answers; 503 with Retry-After is none."""
    wrong = {told: n for told, n in answers.items() if told[:1] == "5" and told != "503"}
    return f"answers {wrong}" if wrong else ""


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass(frozen=True)
class Releases:
    """Directories of models to activate."""

    good: dict[str, Path]  # name of a release -> directory
    broken: tuple[Path, Path]


def make_releases(models: Path, folder: Path) -> Releases:
    """The unchanged models, a copy with two networks swapped, and two broken copies."""
    swapped, truncated, foreign = (
        shutil.copytree(models, folder / name) for name in ("swapped", "truncated", "foreign")
    )
    (swapped / "CNN.onnx").rename(swapped / "kept")
    (swapped / "DNN.onnx").rename(swapped / "CNN.onnx")
    (swapped / "kept").rename(swapped / "DNN.onnx")
    whole = (truncated / "CNN.onnx").read_bytes()
    (truncated / "CNN.onnx").write_bytes(whole[: len(whole) // 2])
    shutil.copy(foreign / "mfcc.onnx", foreign / "DNN.onnx")
    return Releases({FIRST: models, SECOND: swapped}, (truncated, foreign))
