"""A control group with a memory limit, made by root."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.harness import wait_until
from tests.support.missing import missing

MOUNT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class ControlGroup:
    """A folder of the control group file system, version 1 or 2."""

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
        """The largest memory of the group in bytes."""
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            with suppress(FileNotFoundError):
                return int((self.path / name).read_text())
        return 0

    def _processes(self) -> list[int]:
        return [int(line) for line in (self.path / "cgroup.procs").read_text().split()]


@contextmanager
def memory_limit(limit: int) -> Iterator[ControlGroup]:
    """A group whose processes may use `limit` bytes, without swap; kills them at the end."""
    version_1 = MOUNT / "memory"
    parent = version_1 if version_1.is_dir() else MOUNT
    group = ControlGroup(parent / f"speech-emotion-{os.getpid()}")
    try:
        group.path.mkdir()
    except OSError as error:
        missing(f"A control group cannot be made: {error}. Run the tests as root")
    try:
        _set_limit(group.path, limit)
        yield group
    finally:
        for process in group._processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        wait_until(lambda: not group._processes(), "the end of the group's processes")
        group.path.rmdir()


def _set_limit(group: Path, limit: int) -> None:
    with_swap = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    if (group / with_swap[0]).exists():
        for name in with_swap:
            with suppress(FileNotFoundError):  # the kernel may not account for swap
                (group / name).write_text(str(limit))
    else:
        (group / "memory.max").write_text(str(limit))
        (group / "memory.swap.max").write_text("0")
