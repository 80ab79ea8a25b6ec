"""Activation and rollback with a reload that succeeds or fails."""

from pathlib import Path

import pytest

from server.models.activation import activate, roll_back
from server.models.releases import RefusedModelsError, ReleaseError, ReleaseStore
from server.settings import ModelSettings
from tests.support.tiny_models import write_vector_network

SETTINGS = ModelSettings()


@pytest.fixture
def store(models: Path, tmp_path: Path) -> ReleaseStore:
    """A store whose current release holds the networks DNN and TCN."""
    store = ReleaseStore(tmp_path / "state")
    (store.directory / "releases").mkdir(parents=True)
    with store.staged(models) as staged:
        store.restore(store.publish(staged))
    return store


class Reload:
    """Records the releases that it reloads; fails for those with a network named BAD."""

    def __init__(self) -> None:
        self.releases: list[Path] = []

    def __call__(self, release: Path) -> None:
        self.releases.append(release)
        if (release / "BAD.onnx").exists():
            raise ReleaseError("A worker cannot serve the models")


def test_activated_models_are_current_and_can_be_rolled_back(
    models: Path, store: ReleaseStore
) -> None:
    old, reload = store.current, Reload()
    write_vector_network(models, "CNN")
    assert activate(models, store, reload, SETTINGS) == ["CNN", "DNN", "TCN"]
    new = store.current
    assert (old != new, store.previous) == (True, old)
    assert roll_back(store, reload) == ["DNN", "TCN"]
    assert (store.current, store.previous) == (old, new)
    assert reload.releases == [new, old]


def test_after_a_failed_reload_the_old_release_is_current_again(
    models: Path, store: ReleaseStore
) -> None:
    old, reload = store.current, Reload()
    write_vector_network(models, "BAD")
    with pytest.raises(ReleaseError):
        activate(models, store, reload, SETTINGS)
    assert (store.current, store.previous) == (old, None)
    assert len(reload.releases) == 2
    assert reload.releases[-1] == old


def test_refused_models_cause_no_reload(models: Path, store: ReleaseStore) -> None:
    reload = Reload()
    (models / "DNN.onnx").write_bytes(b"broken")
    with pytest.raises(RefusedModelsError, match=r"DNN\.onnx"):
        activate(models, store, reload, SETTINGS)
    assert reload.releases == []


def test_without_previous_models_there_is_no_rollback(store: ReleaseStore) -> None:
    with pytest.raises(ReleaseError, match="no previous models"):
        roll_back(store, Reload())
