from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.examples import Examples
from training.fitting import fit, load_fitted
from training.networks import NETWORKS
from training.settings import TrainingSettings
from training.storage.checkpoints import CheckpointError

SETTINGS = TrainingSettings(epochs=6, batch_size=16, variants=1)


@pytest.fixture
def examples(clouds: Examples) -> Examples:
    return clouds


@pytest.mark.parametrize("network", NETWORKS)
def test_a_fit_learns(network: str, examples: Examples) -> None:
    losses: list[float] = []
    settings = TrainingSettings(epochs=40, batch_size=16, variants=1)
    fitted = fit(network, examples, settings, progress=lambda _, loss: losses.append(loss))
    accuracy = (
        fitted.logits_of_vectors(examples.recordings).argmax(axis=1) == examples.targets
    ).mean()
    assert losses[-1] < losses[0]
    assert accuracy > 0.8


@pytest.mark.parametrize("network", NETWORKS)
def test_a_stopped_fit_continues_bit_for_bit(
    network: str, examples: Examples, tmp_path: Path
) -> None:
    def stop(epoch: int, loss: float) -> None:
        if epoch == 3:
            raise KeyboardInterrupt

    checkpoint = tmp_path / "fit.pt"
    whole = fit(network, examples, SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        fit(network, examples, SETTINGS, checkpoint, progress=stop)
    torch.rand(7)  # whatever else happens to the random state in between
    continued = fit(network, examples, SETTINGS, checkpoint, resume=True)
    ours, theirs = whole.module.state_dict(), continued.module.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_same_seed_gives_the_same_network(examples: Examples) -> None:
    one, other = (fit("DNN", examples, SETTINGS) for _ in range(2))
    recordings = examples.recordings
    np.testing.assert_array_equal(
        one.logits_of_vectors(recordings), other.logits_of_vectors(recordings)
    )


def test_an_unfinished_fit_is_not_taken_for_a_finished_one(
    examples: Examples, tmp_path: Path
) -> None:
    def stop(epoch: int, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit("DNN", examples, SETTINGS, tmp_path / "fit.pt", progress=stop)
    with pytest.raises(CheckpointError, match="stopped after 1 of 6 epochs"):
        load_fitted("DNN", examples, SETTINGS, tmp_path / "fit.pt")


def test_a_checkpoint_of_other_settings_is_refused(examples: Examples, tmp_path: Path) -> None:
    fit("DNN", examples, SETTINGS, tmp_path / "fit.pt")
    other = TrainingSettings(epochs=7, batch_size=16, variants=1)
    with pytest.raises(CheckpointError, match="epochs: 6 there, 7 here"):
        fit("DNN", examples, other, tmp_path / "fit.pt", resume=True)


def test_a_checkpoint_of_other_recordings_is_refused(examples: Examples, tmp_path: Path) -> None:
    fit("DNN", examples, SETTINGS, tmp_path / "fit.pt")
    others = replace(examples, contents=examples.contents[::-1])
    with pytest.raises(CheckpointError, match="of other recordings"):
        fit("DNN", others, SETTINGS, tmp_path / "fit.pt", resume=True)


@pytest.mark.parametrize("content", [b"", b"nothing like it"])
def test_a_checkpoint_that_cannot_be_read_is_named(
    examples: Examples, tmp_path: Path, content: bytes
) -> None:
    checkpoint = tmp_path / "fit.pt"
    checkpoint.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"fit\.pt: not a checkpoint"):
        fit("DNN", examples, SETTINGS, checkpoint, resume=True)


def test_any_finite_input_has_finite_logits(examples: Examples) -> None:
    largest = np.finfo(np.float32).max
    extremes = np.array([[largest] * 25, [-largest] * 25], np.float32)
    assert np.isfinite(fit("DNN", examples, SETTINGS).logits_of_vectors(extremes)).all()
