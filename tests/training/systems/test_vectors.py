"""Networks that take vectors, fitted to clouds of them."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from training.examples import Examples
from training.storage.checkpoints import CheckpointError
from training.systems import cnn, dnn
from training.systems.base.system import Caches
from training.systems.base.trainer import Trainer
from training.systems.base.vectors import FittedVectors

SYSTEMS = {"CNN": cnn.SYSTEM, "DNN": dnn.SYSTEM}
QUICK = {"epochs": 6, "batch_size": 16, "variants": 1}


@pytest.fixture
def examples(clouds: Examples) -> Examples:
    return clouds


@pytest.fixture
def caches(tmp_path: Path) -> Caches:
    """Nothing: the examples hold all that vector networks need."""
    return Caches.under(tmp_path)


def trainer(network: str, caches: Caches, **hyperparameters: float) -> Trainer:
    system = SYSTEMS[network].with_hyperparameters(QUICK | hyperparameters)
    return Trainer.of(system, caches)


@pytest.fixture(scope="module")
def whole(clouds: Examples) -> Callable[[str], FittedVectors]:
    """Each network after the same quick fit."""

    @cache
    def fitted(network: str) -> FittedVectors:
        result = trainer(network, Caches.under(Path())).fit(clouds, 1)
        assert isinstance(result, FittedVectors)
        return result

    return fitted


@pytest.mark.parametrize("network", SYSTEMS)
def test_a_fit_learns(network: str, examples: Examples, caches: Caches, tmp_path: Path) -> None:
    losses: list[float] = []
    longer = trainer(network, caches, epochs=40)
    fitted = longer.fit_to(tmp_path / "fit.pt", examples, lambda _, loss: losses.append(loss))
    assert isinstance(fitted, FittedVectors)
    accuracy = (
        fitted.logits_of_vectors(examples.recordings).argmax(axis=1) == examples.targets
    ).mean()
    assert losses[-1] < losses[0]
    assert accuracy > 0.8


@pytest.mark.parametrize("network", SYSTEMS)
def test_a_stopped_fit_continues_bit_for_bit(
    network: str,
    examples: Examples,
    caches: Caches,
    whole: Callable[[str], FittedVectors],
    tmp_path: Path,
) -> None:
    def stop(epoch: int, loss: float) -> None:
        if epoch == 3:
            raise KeyboardInterrupt

    quick, checkpoint = trainer(network, caches), tmp_path / "fit.pt"
    with pytest.raises(KeyboardInterrupt):
        quick.fit_to(checkpoint, examples, stop)
    torch.rand(7)  # other code may change the random state in between
    epochs: list[int] = []
    continued = quick.fit_to(checkpoint, examples, lambda e, _: epochs.append(e), resume=True)
    assert isinstance(continued, FittedVectors)
    assert epochs == [4, 5, 6]
    ours, theirs = whole(network).module.state_dict(), continued.module.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_level_differs_in_training_alone() -> None:
    vectors = torch.zeros(400, 25)
    level = dnn.RandomLevel()
    changed = level(vectors)
    assert changed[:, 0].std().item() == pytest.approx(dnn.LEVEL, rel=0.2)
    assert not changed[:, 1:].any()
    assert level.eval()(vectors) is vectors


def test_the_same_seed_gives_the_same_network(
    examples: Examples, caches: Caches, whole: Callable[[str], FittedVectors]
) -> None:
    other = trainer("DNN", caches).fit(examples, 1)
    assert isinstance(other, FittedVectors)
    recordings = examples.recordings
    np.testing.assert_array_equal(
        whole("DNN").logits_of_vectors(recordings), other.logits_of_vectors(recordings)
    )


def test_an_unfinished_fit_is_not_taken_for_a_finished_one(
    examples: Examples, caches: Caches, tmp_path: Path
) -> None:
    def stop(epoch: int, loss: float) -> None:
        raise KeyboardInterrupt

    quick = trainer("DNN", caches)
    with pytest.raises(KeyboardInterrupt):
        quick.fit_to(tmp_path / "fit.pt", examples, stop)
    with pytest.raises(CheckpointError, match="stopped after 1 of 6 epochs"):
        quick.load(tmp_path / "fit.pt", examples)


@pytest.fixture(scope="module")
def checkpoint(clouds: Examples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the quick fit of the DNN left."""
    path = tmp_path_factory.mktemp("fit") / "fit.pt"
    trainer("DNN", Caches.under(Path())).fit_to(path, clouds, lambda _epoch, _loss: None)
    return path


def test_a_checkpoint_gives_the_network_back(
    examples: Examples,
    caches: Caches,
    checkpoint: Path,
    whole: Callable[[str], FittedVectors],
) -> None:
    loaded = trainer("DNN", caches).load(checkpoint, examples)
    assert isinstance(loaded, FittedVectors)
    recordings = examples.recordings
    np.testing.assert_array_equal(
        whole("DNN").logits_of_vectors(recordings), loaded.logits_of_vectors(recordings)
    )
    np.testing.assert_array_equal(whole("DNN").losses, loaded.losses)


def test_a_checkpoint_of_other_settings_is_refused(
    examples: Examples, caches: Caches, checkpoint: Path
) -> None:
    other = trainer("DNN", caches, epochs=7)
    with pytest.raises(CheckpointError, match="epochs: 6 there, 7 here"):
        other.fit_to(checkpoint, examples, lambda _epoch, _loss: None, resume=True)


def test_a_checkpoint_of_other_recordings_is_refused(
    examples: Examples, caches: Caches, checkpoint: Path
) -> None:
    others = replace(examples, content_hashes=examples.content_hashes[::-1])
    with pytest.raises(CheckpointError, match="of other recordings"):
        trainer("DNN", caches).fit_to(checkpoint, others, lambda _epoch, _loss: None, resume=True)


@pytest.mark.parametrize("content", [b"", b"nothing like it"])
def test_a_checkpoint_that_cannot_be_read_is_named(
    examples: Examples, caches: Caches, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "fit.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"fit\.pt: not a checkpoint"):
        trainer("DNN", caches).fit_to(path, examples, lambda _epoch, _loss: None, resume=True)


def test_any_finite_input_has_finite_logits(whole: Callable[[str], FittedVectors]) -> None:
    largest = np.finfo(np.float32).max
    extremes = np.array([[largest] * 25, [-largest] * 25], np.float32)
    assert np.isfinite(whole("DNN").logits_of_vectors(extremes)).all()
