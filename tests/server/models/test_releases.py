"""The state directory: releases, locks and the release that a server starts with."""

import hashlib
from pathlib import Path

import pytest

from server.launch.launcher import prepared_models
from server.launch.runtime_directory import Runtime
from server.models.releases import ReleaseError, ReleaseStore, is_intact
from server.settings import ModelSettings
from tests.support.tiny_models import write_vector_network


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def settings(models: Path, state: Path) -> ModelSettings:
    return ModelSettings(models, state)


def start(models: Path, state: Path) -> str:
    """Starts a server and returns the file names of its release."""
    runtime = Runtime(state.parent / "run")
    runtime.path.mkdir()
    try:
        with prepared_models(settings(models, state), runtime):
            current = ReleaseStore(state).current
            assert current is not None
            return " ".join(sorted(path.name for path in current.glob("*.onnx")))
    finally:
        runtime.state.unlink()
        runtime.path.rmdir()


def activate(models: Path, state: Path) -> None:
    store = ReleaseStore(state)
    with store.staged(models) as staged:
        store.switch(store.publish(staged))


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
    current = ReleaseStore(state).current
    assert current is not None
    (current / "CNN.onnx").write_bytes(b"rotten")
    assert not is_intact(current)
    assert start(models, state) == "DNN.onnx TCN.onnx mfcc.onnx"


def test_equal_content_is_the_same_release(models: Path, state: Path) -> None:
    start(models, state)
    store = ReleaseStore(state)
    with store.staged(models) as staged:
        assert store.publish(staged) == store.current


def test_only_two_releases_are_kept(models: Path, state: Path) -> None:
    start(models, state)
    store = ReleaseStore(state)
    for name in ("A", "B", "C"):
        write_vector_network(models, name)
        activate(models, state)
        store.prune()
    kept = {path.resolve() for path in (state / "releases").iterdir()}
    assert kept == {store.current, store.previous}
    assert len(kept) == 2


def test_a_release_has_its_files_under_their_hashes(models: Path, state: Path) -> None:
    start(models, state)
    current = ReleaseStore(state).current
    assert current is not None
    for name in ("mfcc.onnx", "reference.wav"):
        digest = hashlib.sha256((models / name).read_bytes()).hexdigest()
        assert (current / digest).read_bytes() == (models / name).read_bytes()


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
