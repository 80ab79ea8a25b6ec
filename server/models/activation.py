"""Verification of models, and their activation and rollback in the state directory of a server."""

from collections.abc import Callable
from pathlib import Path

from server.models.catalog import load_catalog
from server.models.releases import (
    RefusedModelsError,
    ReleaseError,
    ReleaseStore,
    StagedRelease,
    is_intact,
)
from server.settings import ModelSettings

# Returns when every worker serves the release; raises ReleaseError if one cannot.
Reload = Callable[[Path], None]


def check(directory: Path, settings: ModelSettings) -> list[str]:
    """Verifies a models directory and returns the names of its networks.

    Raises:
        RefusedModelsError: the directory or one of its files must not be served.
    """
    _check_exists(directory)
    catalog = load_catalog(directory, settings.maximum_file_bytes)
    if catalog.faults:
        raise RefusedModelsError(catalog.faults)
    return catalog.names


def activate(
    directory: Path, store: ReleaseStore, reload: Reload, settings: ModelSettings
) -> list[str]:
    """Replaces the current models by those in `directory`.

    Returns:
        The names of the networks, after every worker has loaded them.

    Raises:
        RefusedModelsError: the models must not be served; nothing has changed.
        ReleaseError: the workers do not serve the models; the previous ones are current again.
    """
    _check_exists(directory)
    with store.activation_lock(), store.staged(directory, settings.maximum_file_bytes) as staged:
        # The copy is verified, since the directory may still change.
        names = _check_staged(staged, settings)
        _switch(store, store.publish(staged), reload)
    return names


def roll_back(store: ReleaseStore, reload: Reload) -> list[str]:
    """Makes the previous models current again and returns their names.

    Raises:
        ReleaseError: there are no previous models, or the workers do not serve them.
    """
    with store.activation_lock():
        previous = store.previous
        if previous is None:
            raise ReleaseError("There are no previous models")
        if not is_intact(previous):
            raise ReleaseError(f"The previous models are damaged: {previous}")
        _switch(store, previous, reload)
        return load_catalog(previous).names


def _check_exists(directory: Path) -> None:
    if not directory.is_dir():
        raise RefusedModelsError({str(directory): "there is no such directory"})


def _check_staged(staged: StagedRelease, settings: ModelSettings) -> list[str]:
    catalog = load_catalog(staged.path, settings.maximum_file_bytes)
    faults = {**catalog.faults, **staged.faults}
    if faults:
        raise RefusedModelsError(faults)
    return catalog.names


def _switch(store: ReleaseStore, release: Path, reload: Reload) -> None:
    """Switches to the release, and back again if the workers do not serve it."""
    current, previous = store.current, store.previous
    if current == release:
        reload(release)
        return
    store.switch(release)
    try:
        reload(release)
    except ReleaseError:
        if current:
            store.restore(current, previous)
            reload(current)
        raise
    finally:
        store.prune()
