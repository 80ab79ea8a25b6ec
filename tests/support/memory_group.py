"""A control group with a memory limit, and the processes that the kernel killed in it."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.missing import missing

VERSION_1 = Path("/sys/fs/cgroup/memory")
VERSION_2 = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryGroup:
    """A memory control group of either version."""

    folder: Path

    def command(self, *command: str) -> tuple[str, ...]:
        """A command that starts in the group."""
        join = f'echo $$ >"{self.folder}/cgroup.procs" && exec "$@"'
        return ("sh", "-c", join, "sh", *command)

    def kills(self) -> int:
        """The number of processes that were killed for memory."""
        for file in ("memory.events", "memory.oom_control"):
            if (self.folder / file).exists():
                lines = (self.folder / file).read_text().splitlines()
                return int(dict(line.split() for line in lines)["oom_kill"])
        raise AssertionError(f"no counts of kills in {self.folder}")

    def processes(self) -> list[int]:
        return [int(line) for line in (self.folder / "cgroup.procs").read_text().split()]


@contextlib.contextmanager
def memory_group(limit: int) -> Iterator[MemoryGroup]:
    """A new group with a limit in bytes, without swap; removed at the end."""
    is_version_1 = (VERSION_1 / "cgroup.procs").exists()
    folder = (VERSION_1 if is_version_1 else VERSION_2) / f"speech-emotion-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        missing(f"A memory control group needs root and a writable {folder.parent}: {error}")
    try:
        _limit(folder, limit, is_version_1=is_version_1)
        yield MemoryGroup(folder)
    finally:
        _remove(folder)


def _limit(folder: Path, limit: int, *, is_version_1: bool) -> None:
    limits = {"memory.max": limit, "memory.swap.max": 0}
    if is_version_1:
        limits = {"memory.limit_in_bytes": limit, "memory.memsw.limit_in_bytes": limit}
    for number, (file, value) in enumerate(limits.items()):
        try:
            (folder / file).write_text(str(value))
        except OSError as error:
            if number == 0:  # a kernel may lack the limit of swap
                missing(f"The memory controller is not available in {folder.parent}: {error}")


def _remove(folder: Path) -> None:
    """Removes the group, which is busy until its last process is gone."""
    for _ in range(500):
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        for process in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        time.sleep(0.01)
    raise AssertionError(f"{folder} cannot be removed")
