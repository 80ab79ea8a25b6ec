"""A limit of processes that a test sets and lifts: a control group, which needs root."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support.harness import Server

PIDS = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))  # version 1, version 2


@dataclass
class ProcessLimit:
    """A control group that contains a server."""

    folder: Path

    def reach(self) -> None:
        """No further process or thread can be created."""
        self._set("1")

    def lift(self) -> None:
        self._set("max")

    def _set(self, limit: str) -> None:
        (self.folder / "pids.max").write_text(limit)


@contextlib.contextmanager
def process_limit(server: Server) -> Iterator[ProcessLimit]:
    """Moves the server into a control group of its own, without a limit at first."""
    if os.geteuid() != 0:
        pytest.skip("only root can create a control group")
    parent = next(path for path in PIDS if path.is_dir())
    folder = parent / f"test-{server.process.pid}"
    folder.mkdir()
    if not (folder / "pids.max").exists():
        folder.rmdir()
        pytest.skip(f"{parent} has no control groups that limit processes")
    limit = ProcessLimit(folder)
    processes = [psutil.Process(server.process.pid), *server.tree()]
    try:
        for process in processes:
            (folder / "cgroup.procs").write_text(str(process.pid))
        yield limit
    finally:
        limit.lift()
        for left in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (parent / "cgroup.procs").write_text(left)
        with contextlib.suppress(OSError):
            folder.rmdir()
