"""Control groups, version 1 or 2, that limit memory or the number of processes; made by root."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.harness import Server, wait_until
from tests.support.missing import missing

MOUNT = Path("/sys/fs/cgroup")
MEMORY_LIMITS = ("memory.limit_in_bytes", "memory.max")  # version 1, version 2
PROCESS_LIMITS = ("pids.max",)


@dataclass(frozen=True)
class ControlGroup:
    """A folder of the control group file system."""

    path: Path

    def command(self, *command: str) -> tuple[str, ...]:
        """A command that joins the group before it starts."""
        join = f'echo $$ > "{self.path}/cgroup.procs" && exec "$@"'
        return ("sh", "-c", join, "sh", *command)

    @property
    def killed_for_memory(self) -> int:
        """The number of processes that the kernel killed for memory."""
        file = self.path / "memory.oom_control"
        events = file if file.exists() else self.path / "memory.events"
        return int(dict(line.split() for line in events.read_text().splitlines())["oom_kill"])

    @property
    def peak(self) -> int:
        """The largest memory of the group in bytes; 0 if the kernel does not record it."""
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            with suppress(FileNotFoundError):
                return int((self.path / name).read_text())
        return 0

    @property
    def processes(self) -> list[int]:
        return [int(line) for line in (self.path / "cgroup.procs").read_text().split()]

    def kill(self) -> None:
        """Kills its processes, and waits for their end."""
        self._empty(lambda process: os.kill(process, signal.SIGKILL))

    def release(self) -> None:
        """Moves its processes to the group above."""
        self._empty(lambda process: _move(process, self.path.parent))

    def _empty(self, remove: Callable[[int], None]) -> None:
        def is_empty() -> bool:
            for process in self.processes:  # they may fork meanwhile
                with suppress(ProcessLookupError):
                    remove(process)
            return not self.processes

        wait_until(is_empty, f"{self.path} to be empty")

    def set(self, name: str, value: int | str) -> None:
        (self.path / name).write_text(str(value))


@dataclass(frozen=True)
class ProcessLimit:
    """A limit of processes and threads that a test sets and lifts."""

    group: ControlGroup

    def reach(self) -> None:
        """No further process or thread can be created."""
        self.group.set("pids.max", 1)

    def lift(self) -> None:
        self.group.set("pids.max", "max")


@contextmanager
def memory_limit(limit: int) -> Iterator[ControlGroup]:
    """A group whose processes may use `limit` bytes, without swap; kills them at the end."""
    with _group("memory", MEMORY_LIMITS) as group:
        if (group.path / MEMORY_LIMITS[0]).exists():
            group.set(MEMORY_LIMITS[0], limit)
            swap, most = "memory.memsw.limit_in_bytes", limit
        else:
            group.set(MEMORY_LIMITS[1], limit)
            swap, most = "memory.swap.max", 0
        with suppress(OSError):  # the kernel may not account for swap
            group.set(swap, most)
        try:
            yield group
        finally:
            group.kill()


@contextmanager
def process_limit(server: Server) -> Iterator[ProcessLimit]:
    """Moves the server into a group of its own, without a limit at first."""
    with _group("pids", PROCESS_LIMITS) as group:
        limit = ProcessLimit(group)
        try:
            for process in (server.process.pid, *(child.pid for child in server.tree())):
                _move(process, group.path)
            yield limit
        finally:
            limit.lift()
            group.release()


@contextmanager
def _group(controller: str, limits: tuple[str, ...]) -> Iterator[ControlGroup]:
    """A new group with one of the files `limits`; removed at the end."""
    version_1 = MOUNT / controller
    parent = version_1 if version_1.is_dir() else MOUNT
    group = ControlGroup(parent / f"speech-emotion-{os.getpid()}")
    try:
        group.path.mkdir()
    except OSError as error:
        missing(f"A control group cannot be made: {error}. Run the tests as root")
    try:
        if not any((group.path / name).exists() for name in limits):
            missing(f"{parent} has no control groups with {' or '.join(limits)}")
        yield group
    finally:
        group.path.rmdir()


def _move(process: int, group: Path) -> None:
    with suppress(ProcessLookupError):
        (group / "cgroup.procs").write_text(str(process))
