"""Finds a running server and reloads its workers."""

import os
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from server.launch.processes import send_signal
from server.launch.runtime_directory import PREFIX, Runtime, RuntimeDirectoryError
from server.models.releases import ReleaseError, ReleaseStore

RELOAD_TIMEOUT_SECONDS = 60.0
POLL_INTERVAL_SECONDS = 0.05


def find_running(parent: Path | None) -> Runtime:
    """The only running server whose runtime directory is in `parent`.

    parent: by default the folder for temporary files.

    Raises:
        RuntimeDirectoryError: there is none, or more than one.
    """
    folder = parent or Path(tempfile.gettempdir())
    found = list(_running(folder))
    if not found:
        raise RuntimeDirectoryError(
            f"No server of this user runs with its runtime directory in {folder}; "
            "does runtime_directory have the value that the server was started with?"
        )
    if len(found) > 1:
        paths = ", ".join(str(runtime.path) for runtime in found)
        raise RuntimeDirectoryError(
            f"{len(found)} servers are running: {paths}. Start each with its own "
            "runtime_directory, and set SER_SERVER_RUNTIME_DIRECTORY to select one"
        )
    return found[0]


def _running(folder: Path) -> Iterator[Runtime]:
    for path in sorted(folder.glob(PREFIX + "*")):
        runtime = Runtime(path)
        with suppress(FileNotFoundError, PermissionError):
            if _is_private(path) and ReleaseStore(runtime.state).lock_owner == path.resolve():
                yield runtime


def _is_private(path: Path) -> bool:
    """Whether the folder belongs to this user and only this user has access."""
    status = path.lstat()
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    )


def reload_workers(runtime: Runtime, release: Path) -> None:
    """Reloads the workers and waits until every one of them serves the current release.

    Raises:
        ReleaseError: a worker reports faults, or the workers do not report in time.
    """
    reloaded: set[int] = set()
    deadline = time.monotonic() + RELOAD_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        # Looked up each time: supervisord replaces a killed master.
        master = runtime.gunicorn
        reports = list(runtime.workers(master).values()) if master else []
        if reports and all(report and report.release == release.name for report in reports):
            faults = [report.faults for report in reports if report and report.faults]
            if faults:
                raise ReleaseError(f"A worker cannot serve the models: {faults[0]}")
            return
        if master and master not in reloaded:
            reloaded.add(master)
            send_signal(master, signal.SIGHUP)
        time.sleep(POLL_INTERVAL_SECONDS)
    raise ReleaseError(f"The workers have not loaded the models in {RELOAD_TIMEOUT_SECONDS:.0f} s")
