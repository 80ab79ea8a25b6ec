"""Activation and rollback with a reload that succeeds or fails."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from server.models.activation import activate, network_names, roll_back, undo_unfinished
from server.models.deployment import Deployment
from server.models.releases import RefusedModelsError, ReleaseError, ReleaseStore
from server.settings import ModelSettings
from tests.support.models.tiny import (
    PROSODY,
    write_extractor,
    write_frame_network,
    write_recording_extractor,
    write_vector_network,
)

SETTINGS = ModelSettings()


@pytest.fixture
def store(models: Path, tmp_path: Path) -> ReleaseStore:
    """A store whose current release holds the networks DNN and TCN."""
    store = ReleaseStore(tmp_path / "state")
    (store.directory / "releases").mkdir(parents=True)
    with store.staged(models) as staged:
        store.deploy(Deployment(store.publish(staged).name))
    return store


class Reload:
    """Records the releases that it reloads; a network named BAD is a fault."""

    def __init__(self, store: ReleaseStore) -> None:
        self.store = store
        self.releases: list[str | None] = []

    def __call__(self, deployment: Deployment) -> dict[str, str]:
        assert self.store.unfinished, "an interruption now could not be undone"
        self.releases.append(deployment.current)
        names = network_names(self.store, deployment.current)
        return {"BAD.onnx": "is bad"} if "BAD" in names else {}


def test_activated_models_are_current_and_can_be_rolled_back(
    models: Path, store: ReleaseStore
) -> None:
    old, reload = store.deployment, Reload(store)
    write_vector_network(models, "CNN")
    assert activate(models, store, reload, SETTINGS) == ["CNN", "DNN", "TCN"]
    new = store.deployment
    assert new.current != new.previous == old.current
    assert roll_back(store, reload, SETTINGS) == ["DNN", "TCN"]
    assert store.deployment == Deployment(old.current, new.current)
    assert reload.releases == [new.current, old.current]


def test_after_a_failed_reload_the_old_release_is_current_again(
    models: Path, store: ReleaseStore
) -> None:
    old, reload = store.deployment, Reload(store)
    write_vector_network(models, "BAD")
    with pytest.raises(ReleaseError):
        activate(models, store, reload, SETTINGS)
    assert (store.deployment, store.unfinished) == (old, None)
    assert len(reload.releases) == 2
    assert reload.releases[-1] == old.current


def test_refused_models_cause_no_reload(models: Path, store: ReleaseStore) -> None:
    reload = Reload(store)
    (models / "DNN.onnx").write_bytes(b"broken")
    with pytest.raises(RefusedModelsError, match=r"DNN\.onnx"):
        activate(models, store, reload, SETTINGS)
    assert reload.releases == []


def test_without_previous_models_there_is_no_rollback(store: ReleaseStore) -> None:
    with pytest.raises(ReleaseError, match="no previous models"):
        roll_back(store, Reload(store), SETTINGS)


class Interruption(BaseException):
    """As a signal handler raises it."""


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_an_interruption_restores_the_models(
    models: Path, store: ReleaseStore, share: float
) -> None:
    old, reloaded = store.deployment, []

    def reload(deployment: Deployment) -> dict[str, str]:
        reloaded.append(deployment)
        if len(reloaded) == 1:
            raise Interruption
        return {}

    write_vector_network(models, "DNN", distance_limit=6.0)
    with pytest.raises(Interruption):
        activate(models, store, reload, SETTINGS, share)
    assert (store.deployment, store.unfinished) == (old, None)
    assert reloaded[1].current == old.current
    assert [path.name for path in (store.directory / "releases").iterdir()] == [old.current]


def test_the_next_activation_undoes_one_that_was_killed(models: Path, store: ReleaseStore) -> None:
    old = store.deployment
    with store.staged(models.parent) as staged:
        killed = Deployment(store.publish(staged).name, old.current)
    store.begin_change()
    store.deploy(killed)
    with pytest.raises(ReleaseError, match="no previous models"):
        roll_back(store, Reload(store), SETTINGS)
    assert (store.deployment, store.unfinished) == (old, None)
    assert not undo_unfinished(store, Reload(store))


def test_models_become_a_canary_and_then_current(models: Path, store: ReleaseStore) -> None:
    old, reload = store.deployment, Reload(store)
    write_vector_network(models, "DNN", distance_limit=6.0)
    for share in (0.05, 0.5):
        assert activate(models, store, reload, SETTINGS, share) == ["DNN", "TCN"]
        canary = store.deployment
        assert canary == Deployment(old.current, None, canary.canary, share)
    assert roll_back(store, reload, SETTINGS) == ["DNN", "TCN"]
    assert store.deployment == old
    activate(models, store, reload, SETTINGS, 0.05)
    activate(models, store, reload, SETTINGS)
    assert store.deployment == Deployment(canary.canary, old.current)


def another_recipe(models: Path) -> None:
    recipe = {"nMfcc": 25, "sampleRate": 16000}
    write_extractor(models, recipe=recipe)
    write_vector_network(models, "DNN", recipe=recipe)
    write_frame_network(models, "TCN", recipe=recipe)


def other_labels(models: Path) -> None:
    write_vector_network(models, "DNN", labels=["angry", "calm", "joyful"])


def another_network(models: Path) -> None:
    write_vector_network(models, "MLP")


def a_network_less(models: Path) -> None:
    (models / "TCN.onnx").unlink()


def another_input(models: Path) -> None:
    write_frame_network(models, "DNN")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (another_recipe, "mfcc.onnx: a canary must have the feature recipe"),
        (
            other_labels,
            "DNN.onnx: would take vector and have the labels ['angry', 'calm', 'joyful']",
        ),
        (another_network, "MLP.onnx: is not one of the current models"),
        (a_network_less, "TCN.onnx: is missing"),
        (another_input, "DNN.onnx: would take frames"),
    ],
)
def test_a_canary_that_clients_could_not_use_is_refused(
    models: Path, store: ReleaseStore, change: Callable[[Path], None], reason: str
) -> None:
    old, reload = store.deployment, Reload(store)
    change(models)
    with pytest.raises(RefusedModelsError, match=re.escape(reason)):
        activate(models, store, reload, SETTINGS, 0.05)
    assert (store.deployment, reload.releases) == (old, [])


def test_a_canary_has_the_prosody_of_the_current_models(models: Path, store: ReleaseStore) -> None:
    reload = Reload(store)
    write_recording_extractor(models, 8_000)
    activate(models, store, reload, SETTINGS, 0.05)  # the current models have none
    activate(models, store, reload, SETTINGS)
    other = PROSODY | {"statistics": ["a", "b", "c"]}
    path = write_recording_extractor(models, 8_000, prosody=other)
    with pytest.raises(RefusedModelsError, match="must have the definition of prosody"):
        activate(models, store, reload, SETTINGS, 0.05)
    path.unlink()
    activate(models, store, reload, SETTINGS, 0.05)
    path.write_bytes(b"broken")
    with pytest.raises(RefusedModelsError, match=r"extractor-8000\.onnx: is not an ONNX file"):
        activate(models, store, reload, SETTINGS)


def test_the_current_models_are_no_canary(models: Path, store: ReleaseStore) -> None:
    with pytest.raises(ReleaseError, match="must differ"):
        activate(models, store, Reload(store), SETTINGS, 0.05)
