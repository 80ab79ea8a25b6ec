"""Changes of the models that a server serves: activation, canary and rollback.

A change is recorded before it begins. The record is removed when every worker serves the models.
So a change that is interrupted, even by SIGKILL, can be undone by the command or by the server.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from server.models.deployment import Deployment
from server.models.files import EXTRACTOR_NAME, RECORDING_EXTRACTORS, is_extractor
from server.models.releases import RefusedModelsError, ReleaseError, ReleaseStore, is_intact
from server.models.staging.copies import StagedRelease, stage
from server.models.verification import NetworkSummary, Verification, VerificationError, verify
from server.settings import ModelSettings

# Returns the faults of a worker when every worker serves the deployment.
# Raises ReleaseError if that takes too long.
Reload = Callable[[Deployment], Mapping[str, str]]

WHOLE = 1.0  # the share of a release that is not a canary


def check(directory: Path, settings: ModelSettings) -> list[str]:
    """Verifies a models directory and returns the names of its networks.

    Raises:
        RefusedModelsError: the directory or one of its files must not be served.
        ReleaseError: the models cannot be copied, or the verification itself failed.
    """
    _check_exists(directory)
    try:
        with tempfile.TemporaryDirectory() as folder:
            staged = stage(directory, Path(folder), settings.maximum_file_bytes)
            return list(_verify_staged(staged, settings).networks)
    except OSError as error:
        raise ReleaseError(f"Cannot copy the models: {error}") from error


def activate(
    directory: Path,
    store: ReleaseStore,
    reload: Reload,
    settings: ModelSettings,
    share: float = WHOLE,
) -> list[str]:
    """Replaces the current models by those in `directory`, or makes these the canary.

    share: of the requests that the models answer; a canary answers less than 1.

    Returns:
        The names of the networks, after every worker has loaded them.

    Raises:
        RefusedModelsError: the models must not be served; nothing has changed.
        ReleaseError: the workers do not serve the models; the previous ones are served again.
    """
    _check_exists(directory)
    with store.activation_lock(), store.staged(directory, settings.maximum_file_bytes) as staged:
        undo_unfinished(store, reload)
        # The copy is verified, since the directory may still change.
        found = _verify_staged(staged, settings)
        if share < WHOLE:
            _check_canary(store, found, settings)
        _change(store, _with(store.deployment, store.publish(staged).name, share), reload)
        return list(found.networks)


def roll_back(store: ReleaseStore, reload: Reload, settings: ModelSettings) -> list[str]:
    """Ends the canary, or else makes the previous models current again.

    Returns the names of the networks.

    Raises:
        RefusedModelsError: the previous models must not be served.
        ReleaseError: there are no previous models, or the workers do not serve them.
    """
    with store.activation_lock():
        undo_unfinished(store, reload)
        wanted = _before(store, settings)
        _change(store, wanted, reload)
        return network_names(store, wanted.current)


def undo_unfinished(store: ReleaseStore, reload: Reload) -> bool:
    """Serves what was served before a change that did not end; False if there is none.

    The caller holds the activation lock.

    Raises:
        ReleaseError: the workers do not serve it in time; the record of the change remains.
    """
    before = store.unfinished
    if before is None:
        return False
    failed = store.deployment.current
    # Until the workers are replaced, the files of their handshakes stay available.
    store.deploy(before if failed == before.current else replace(before, previous=failed))
    reload(before)
    store.deploy(before)
    store.end_change()
    return True


def network_names(store: ReleaseStore, release: str | None) -> list[str]:
    """The names of the networks of a release, in alphabetical order."""
    if release is None:
        return []
    files = store.release(release).glob("*.onnx")
    return sorted(path.stem for path in files if not is_extractor(path))


def _check_workers(faults: Mapping[str, str]) -> None:
    if faults:
        raise ReleaseError(f"A worker cannot serve the models: {faults}")


def _check_exists(directory: Path) -> None:
    if not directory.is_dir():
        raise RefusedModelsError({str(directory): "there is no such directory"})


def _verify(directory: Path, settings: ModelSettings) -> Verification:
    """Verifies a release."""
    return _verify_staged(StagedRelease(directory), settings)


def _verify_staged(staged: StagedRelease, settings: ModelSettings) -> Verification:
    """Verifies a copy of models; files that could not be copied are faults too."""
    try:
        found = verify(staged.path, settings)
    except VerificationError as error:
        raise ReleaseError(str(error)) from None
    if found.faults or staged.faults:
        raise RefusedModelsError(staged.labelled(found.faults) | staged.faults)
    return found


def _check_canary(store: ReleaseStore, canary: Verification, settings: ModelSettings) -> None:
    """Checks that clients with the handshake of the current models can use the canary."""
    name = store.deployment.current
    if name is None:
        raise ReleaseError("There are no current models")
    current = _verify(store.release(name), settings)
    faults = dict(_differences(current, canary))
    if faults:
        raise RefusedModelsError(faults)


def _differences(current: Verification, canary: Verification) -> Iterator[tuple[str, str]]:
    if current.recipe != canary.recipe:
        yield EXTRACTOR_NAME, "a canary must have the feature recipe of the current models"
    # Without one of them, prosody is ignored.
    if current.prosody and canary.prosody not in (None, current.prosody):
        reason = "a canary must have the definition of prosody of the current models"
        yield RECORDING_EXTRACTORS, reason
    for name in sorted({*current.networks, *canary.networks}):
        known, found = current.networks.get(name), canary.networks.get(name)
        if found is None:
            yield (
                f"{name}.onnx",
                "is missing; a canary must have the networks of the current models",
            )
        elif known is None:
            yield f"{name}.onnx", "is not one of the current models, so it cannot be in a canary"
        elif known != found:
            yield f"{name}.onnx", f"would {_described(found)}; a canary must {_described(known)}"


def _described(network: NetworkSummary) -> str:
    return f"take {network.input} and have the labels {list(network.labels)}"


def _with(before: Deployment, release: str, share: float) -> Deployment:
    """The deployment with the release as the current one, or as the canary."""
    if share < WHOLE:
        if release == before.current:
            raise ReleaseError("These models are the current ones; a canary must differ")
        return replace(before, canary=release, share=share)
    if release == before.current:
        return Deployment(before.current, before.previous)
    return Deployment(release, before.current)


def _before(store: ReleaseStore, settings: ModelSettings) -> Deployment:
    """The deployment that a rollback returns to."""
    found = store.deployment
    if found.canary:
        return Deployment(found.current, found.previous)
    if found.previous is None:
        raise ReleaseError("There are no previous models")
    previous = store.release(found.previous)
    if not is_intact(previous):
        raise ReleaseError(f"The previous models are damaged: {previous}")
    _verify(previous, settings)
    return Deployment(found.previous, found.current)


def _change(store: ReleaseStore, wanted: Deployment, reload: Reload) -> None:
    """Changes the deployment, and undoes that if the workers do not serve it."""
    try:
        store.begin_change()
        store.deploy(wanted)
        _check_workers(reload(wanted))
    except BaseException:  # an interruption too
        undo_unfinished(store, reload)
        raise
    store.end_change()
