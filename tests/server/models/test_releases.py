"""The state directory: releases, locks and the release that a server starts with."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from server.launch.launcher import prepared_models
from server.launch.runtime_directory import Runtime
from server.models.activation import network_names
from server.models.deployment import Deployment
from server.models.releases import ReleaseError, ReleaseStore, is_intact
from server.settings import ModelSettings
from tests.support.models.tiny import write_vector_network


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def settings(models: Path, state: Path) -> ModelSettings:
    return ModelSettings(models, state)


def current_release(state: Path) -> Path:
    store = ReleaseStore(state)
    assert store.deployment.current
    return store.release(store.deployment.current)


def start(models: Path, state: Path) -> str:
    """Starts a server and returns the file names of its release."""
    runtime = Runtime(state.parent / "run")
    runtime.path.mkdir()
    try:
        with prepared_models(settings(models, state), runtime):
            current = current_release(state)
            return " ".join(sorted(path.name for path in current.glob("*.onnx")))
    finally:
        runtime.state.unlink()
        runtime.path.rmdir()


def activate(models: Path, state: Path) -> None:
    store = ReleaseStore(state)
    with store.staged(models) as staged:
        store.deploy(Deployment(store.publish(staged).name, store.deployment.current))


def test_before_an_activation_the_models_directory_is_served(models: Path, state: Path) -> None:
    assert start(models, state) == "DNN.onnx TCN.onnx mfcc.onnx"
    (models / "TCN.onnx").unlink()
    assert start(models, state) == "DNN.onnx mfcc.onnx"


def test_activated_models_are_served_after_a_restart(models: Path, state: Path) -> None:
    start(models, state)
    write_vector_network(models, "CNN")
    activate(models, state)
    for path in models.glob("*.onnx"):
        path.write_bytes(b"broken")
    assert start(models, state) == "CNN.onnx DNN.onnx TCN.onnx mfcc.onnx"


def test_a_damaged_release_is_replaced_by_the_previous_one(models: Path, state: Path) -> None:
    start(models, state)
    write_vector_network(models, "CNN")
    activate(models, state)
    current = current_release(state)
    (current / "CNN.onnx").write_bytes(b"rotten")
    assert not is_intact(current)
    assert start(models, state) == "DNN.onnx TCN.onnx mfcc.onnx"


def test_equal_content_is_the_same_release(models: Path, state: Path) -> None:
    start(models, state)
    store = ReleaseStore(state)
    with store.staged(models) as staged:
        assert store.publish(staged) == current_release(state)


def test_only_two_releases_are_kept(models: Path, state: Path) -> None:
    start(models, state)
    store = ReleaseStore(state)
    for name in ("A", "B", "C"):
        write_vector_network(models, name)
        activate(models, state)
        store.prune()
    kept = {path.name for path in (state / "releases").iterdir()}
    assert kept == {store.deployment.current, store.deployment.previous}
    assert len(kept) == 2


def test_a_release_has_its_files_under_their_hashes(models: Path, state: Path) -> None:
    start(models, state)
    current = current_release(state)
    for name in ("mfcc.onnx", "reference.wav"):
        digest = hashlib.sha256((models / name).read_bytes()).hexdigest()
        assert (current / digest).read_bytes() == (models / name).read_bytes()


def test_a_release_has_the_files_of_recordings_under_names_with_their_hashes(
    models_with_recordings: Path, state: Path
) -> None:
    models = models_with_recordings
    others = ("reference X.wav", "reference-of-a-patient.wav", "reference-8000.wav")
    for name in others:
        (models / name).write_bytes(b"no reference clip of an extractor")
    start(models, state)
    current = current_release(state)
    for name in ("extractor-8000.onnx", "reference-48000.wav", "reference-48000-stereo.wav"):
        digest = hashlib.sha256((models / name).read_bytes()).hexdigest()
        assert (current / f"{name}.{digest}").read_bytes() == (models / name).read_bytes()
        assert not (current / digest).exists()
    assert not [path for name in others for path in current.glob(f"{name}*")]
    assert network_names(ReleaseStore(state), current.name) == ["DNN", "TCN"]


def test_equal_content_has_the_same_time_in_every_state_directory(
    models: Path, tmp_path: Path
) -> None:
    times = []
    for name in ("a", "b"):
        state = tmp_path / name
        start(models, state)
        times.append((state / "current" / "mfcc.onnx").stat().st_mtime)
    assert times[0] == times[1]


def test_two_servers_cannot_share_a_state_directory(models: Path, state: Path) -> None:
    runtime = Runtime(state.parent / "other")
    runtime.path.mkdir()
    with prepared_models(settings(models, state), runtime):
        assert ReleaseStore(state).lock_owner == runtime.path
        with pytest.raises(ReleaseError, match="Another server"):
            start(models, state)
    assert ReleaseStore(state).lock_owner is None


def test_two_activations_cannot_run_at_the_same_time(models: Path, state: Path) -> None:
    start(models, state)
    store = ReleaseStore(state)
    with (
        store.activation_lock(),
        pytest.raises(ReleaseError, match="under way"),
        store.activation_lock(),
    ):
        pass


def test_a_file_above_the_size_limit_is_not_copied(models: Path, state: Path) -> None:
    (models / "BIG.onnx").write_bytes(bytes(20_000_000))
    with pytest.raises(ReleaseError, match=r"BIG\.onnx is larger than 16,777,216 bytes"):
        start(models, state)


@pytest.mark.parametrize(
    "name", ["A B.onnx", ".hidden.onnx", "\udcff.onnx", "n\n.onnx", "a" * 65 + ".onnx"]
)
def test_a_name_that_cannot_be_served_is_refused_at_the_start(
    models: Path, state: Path, name: str
) -> None:
    (models / name).write_bytes((models / "DNN.onnx").read_bytes())
    with pytest.raises(ReleaseError, match="has a name that cannot be served") as refused:
        start(models, state)
    assert str(refused.value).isprintable()
    assert str(refused.value).isascii()


def test_a_change_that_did_not_end_is_undone_at_the_start(models: Path, state: Path) -> None:
    start(models, state)
    write_vector_network(models, "CNN")
    ReleaseStore(state).begin_change()
    activate(models, state)
    (models / "CNN.onnx").unlink()
    assert start(models, state) == "DNN.onnx TCN.onnx mfcc.onnx"
    assert ReleaseStore(state).deployment == Deployment(current_release(state).name)


def test_a_canary_does_not_change_since_when_the_others_are_served(
    models: Path, state: Path
) -> None:
    start(models, state)
    activate(models, state)
    store, link = ReleaseStore(state), state / "current"
    os.utime(link, (1_000, 1_000), follow_symlinks=False)
    store.deploy(replace(store.deployment, canary=store.deployment.current, share=0.05))
    assert store.changed_at("current") == 1_000
    assert store.changed_at("canary") > 1_000
    write_vector_network(models, "CNN")
    activate(models, state)
    assert store.changed_at("current") > 1_000


def test_a_canary_survives_a_restart(models: Path, state: Path) -> None:
    start(models, state)
    store = ReleaseStore(state)
    write_vector_network(models, "DNN", distance_limit=6.0)
    with store.staged(models) as staged:
        release = store.publish(staged)
    canary = replace(store.deployment, canary=release.name, share=0.05)
    store.deploy(canary)
    start(models, state)
    assert store.deployment == canary
    (release / "DNN.onnx").write_bytes(b"rotten")
    start(models, state)
    assert store.deployment.canary is None
