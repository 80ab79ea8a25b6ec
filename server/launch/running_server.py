"""Finds a running server, reloads its workers and undoes interrupted activations."""

import os
import signal
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from server.launch.runtime_directory import PREFIX, Runtime, RuntimeDirectoryError
from server.models.activation import undo_unfinished
from server.models.deployment import Deployment
from server.models.releases import ActivationUnderWayError, ReleaseError, ReleaseStore
from server.processes import send_signal

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


def reload_workers(runtime: Runtime, deployment: Deployment) -> Mapping[str, str]:
    """Reloads the workers and waits until every one of them serves the deployment.

    Returns the faults of a worker, by file name.

    Raises:
        ReleaseError: the workers do not report in time, or the server has ended.
    """
    reloaded: set[int] = set()
    deadline = time.monotonic() + RELOAD_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        # Looked up each time: supervisord replaces a killed master.
        master = runtime.gunicorn
        reports = list(runtime.workers(master).values()) if master else []
        if reports and all(report and report.serves(deployment) for report in reports):
            faults = [report.faults for report in reports if report and report.faults]
            return faults[0] if faults else {}
        if ReleaseStore(runtime.state).lock_owner is None:
            raise ReleaseError("The server has ended")
        if master and master not in reloaded:
            reloaded.add(master)
            send_signal(master, signal.SIGHUP)
        time.sleep(POLL_INTERVAL_SECONDS)
    raise ReleaseError(f"The workers have not loaded the models in {RELOAD_TIMEOUT_SECONDS:.0f} s")


def undo_interrupted_activation(runtime: Runtime) -> str | None:
    """Undoes an activation whose command was killed; returns a message about it.

    Returns None if there is no such activation. To be called regularly in the launcher.
    """
    store = ReleaseStore(runtime.state)
    if store.unfinished is None:
        return None
    try:
        with store.activation_lock():  # its holder is the command, which is alive
            undone = undo_unfinished(store, partial(reload_workers, runtime))
    except ActivationUnderWayError:
        return None
    except (ReleaseError, OSError) as error:
        return f"cannot undo an interrupted change of the models: {error}"
    if not undone:
        return None
    return f"undid an interrupted change of the models: serving {store.deployment.current}"
