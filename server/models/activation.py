"""Changes the models of a running server: verified, under load, and back again where they fail."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from server.launch.runtime_directory import Runtime, WorkerReport
from server.models.registry import load_catalog
from server.models.releases import ReleaseError, ReleaseStore, StagedRelease, is_intact
from server.settings import ModelSettings

SECONDS_TO_ANSWER = 60.0
SECONDS_BETWEEN_LOOKS = 0.05


class RefusedModelsError(Exception):
    """Models that must not be served; has every reason."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{file}: {reason}" for file, reason in faults.items()))


def check(directory: Path, settings: ModelSettings) -> list[str]:
    """The names of the networks in a directory.

    Raises:
        RefusedModelsError: something in it must not be served.
    """
    if not directory.is_dir():
        raise RefusedModelsError({str(directory): "there is no such directory"})
    catalog = load_catalog(directory, settings.maximum_file_bytes)
    if catalog.faults:
        raise RefusedModelsError(catalog.faults)
    return catalog.names


def activate(directory: Path, runtime: Runtime, settings: ModelSettings) -> list[str]:
    """Serves the models in `directory` instead of those that are served.

    Returns:
        The names of the networks, once every worker answers with them.

    Raises:
        RefusedModelsError: they must not be served; nothing has changed.
        ReleaseError: the workers do not answer with them; the server is back at the old ones.
    """
    if not directory.is_dir():
        raise RefusedModelsError({str(directory): "there is no such directory"})
    store = ReleaseStore(runtime.state)
    with store.changing(), store.staged(directory, settings.maximum_file_bytes) as staged:
        # What is verified is the copy, which nobody else can change any more.
        names = _check_staged(staged, settings)
        _switch(store, runtime, store.publish(staged))
    return names


def roll_back(runtime: Runtime) -> list[str]:
    """Serves the models again that were served before the last activation; returns their names.

    Raises:
        ReleaseError: there are none, or the workers do not answer with them.
    """
    store = ReleaseStore(runtime.state)
    with store.changing():
        previous = store.previous
        if previous is None:
            raise ReleaseError("No models were served before these")
        if not is_intact(previous):
            raise ReleaseError(f"The previous models are damaged: {previous}")
        _switch(store, runtime, previous)
        return load_catalog(previous).names


def _check_staged(staged: StagedRelease, settings: ModelSettings) -> list[str]:
    catalog = load_catalog(staged.path, settings.maximum_file_bytes)
    faults = {**catalog.faults, **staged.faults}
    if faults:
        raise RefusedModelsError(faults)
    return catalog.names


def _switch(store: ReleaseStore, runtime: Runtime, release: Path) -> None:
    """Switches to the release and back again where its networks do not answer."""
    current, previous = store.current, store.previous
    if current == release:
        _wait_for(runtime, release)
        return
    store.switch(release)
    try:
        _wait_for(runtime, release)
    except ReleaseError:
        if current:
            store.restore(current, previous)
            _wait_for(runtime, current)
        raise
    finally:
        store.prune()


def _wait_for(runtime: Runtime, release: Path) -> None:
    """Reloads the workers until each of them serves the release.

    Raises:
        ReleaseError: a worker has faults to tell, or they do not answer in time.
    """
    reloaded: set[int] = set()
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    while time.monotonic() < deadline:
        # The master may be killed and started again meanwhile.
        master = runtime.gunicorn
        reports = list(runtime.workers(master).values()) if master else []
        if reports and all(report and report.release == release.name for report in reports):
            _check_reports(reports)
            return
        if master and master not in reloaded:
            reloaded.add(master)
            with suppress(ProcessLookupError):
                os.kill(master, signal.SIGHUP)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    raise ReleaseError(f"The workers do not answer within {SECONDS_TO_ANSWER:.0f} s")


def _check_reports(reports: list[WorkerReport | None]) -> None:
    for report in reports:
        if report and report.faults:
            raise ReleaseError(f"A worker cannot serve them: {report.faults}")
