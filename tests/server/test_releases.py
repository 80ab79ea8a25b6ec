"""The store of the models that a server serves."""

import hashlib
from pathlib import Path

import pytest

from server.launch.launcher import holding_models
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
    """What a server that is started now serves: the names of its files."""
    runtime = Runtime(state.parent / "run")
    runtime.path.mkdir()
    try:
        with holding_models(settings(models, state), runtime):
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


def test_at_first_the_models_directory_is_served(models: Path, state: Path) -> None:
    assert start(models, state) == "DNN.onnx TCN.onnx mfcc.onnx"
    (models / "TCN.onnx").unlink()
    assert start(models, state) == "DNN.onnx mfcc.onnx"


def test_what_was_activated_is_served_after_a_restart(models: Path, state: Path) -> None:
    start(models, state)
    write_vector_network(models, "CNN")
    activate(models, state)
    for path in models.glob("*.onnx"):
        path.write_bytes(b"broken")
    assert start(models, state) == "CNN.onnx DNN.onnx TCN.onnx mfcc.onnx"


def test_a_damaged_release_gives_way_to_the_one_before(models: Path, state: Path) -> None:
    start(models, state)
    write_vector_network(models, "CNN")
    activate(models, state)
    current = ReleaseStore(state).current
    assert current is not None
    (current / "CNN.onnx").write_bytes(b"rotten")
    assert not is_intact(current)
    assert start(models, state) == "DNN.onnx TCN.onnx mfcc.onnx"


def test_the_same_content_is_the_same_release(models: Path, state: Path) -> None:
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


def test_a_file_is_found_by_its_hash_in_each_release(models: Path, state: Path) -> None:
    start(models, state)
    current = ReleaseStore(state).current
    assert current is not None
    for name in ("mfcc.onnx", "reference.wav"):
        digest = hashlib.sha256((models / name).read_bytes()).hexdigest()
        assert (current / digest).read_bytes() == (models / name).read_bytes()


def test_the_same_content_has_the_same_time_wherever_it_is_served(
    models: Path, tmp_path: Path
) -> None:
    times = []
    for name in ("a", "b"):
        state = tmp_path / name
        start(models, state)
        times.append((state / "current" / "mfcc.onnx").stat().st_mtime)
    assert times[0] == times[1]


def test_two_servers_never_share_a_state_directory(models: Path, state: Path) -> None:
    runtime = Runtime(state.parent / "other")
    runtime.path.mkdir()
    with holding_models(settings(models, state), runtime):
        assert ReleaseStore(state).holder == runtime.path
        with pytest.raises(ReleaseError, match="Another server"):
            start(models, state)
    assert ReleaseStore(state).holder is None


def test_two_activations_never_run_at_once(models: Path, state: Path) -> None:
    start(models, state)
    store = ReleaseStore(state)
    with store.changing(), pytest.raises(ReleaseError, match="under way"), store.changing():
        pass


def test_a_file_over_the_limit_is_not_copied(models: Path, state: Path) -> None:
    (models / "BIG.onnx").write_bytes(bytes(20_000_000))
    with pytest.raises(ReleaseError, match=r"BIG\.onnx is larger than 16,777,216 bytes"):
        start(models, state)
