"""The TCN: its answer depends on the valid frames alone; fitted, exported and continued."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from tests.training.conftest import Here
from training.arrays import Float32
from training.audio.augmentation import FrameAugmentation
from training.audio.noise import NoiseSettings
from training.audio.spectra import SpectraCache, Variants
from training.examples import Examples
from training.export.deployable import deployable_model
from training.export.onnx_file import export_network
from training.export.ood_distance import Distance
from training.features.cache import FeatureCache
from training.features.extraction import Extraction
from training.features.standardisation import Standardisation
from training.metrics import unweighted_average_recall
from training.storage.checkpoints import CheckpointError
from training.systems.base.system import Caches
from training.systems.base.trainer import Trainer
from training.systems.tcn import (
    SYSTEM,
    FittedFrames,
    FrameModel,
    FrameNetwork,
    Hyperparameters,
    Member,
)
from training.voice.prosody import prosody_cache

# The recordings alone, since spectra of their variants take minutes.
QUICK = Hyperparameters(
    dilations=((1, 2),),
    channels=32,
    epochs=12,
    augmentation=FrameAugmentation(original_share=1.0, noise=NoiseSettings(babble_share=0.0)),
)
LABELS = 8


@pytest.fixture(scope="module")
def network() -> FrameNetwork:
    torch.manual_seed(0)
    members = [Member(Hyperparameters(), (1, 2, 4), LABELS) for _ in range(2)]
    for member in members:
        member.standardisation.fit(np.random.default_rng(0).normal(0, 9, (100, 25)).astype("f4"))
    return FrameNetwork(members).eval()


def answer(network: FrameNetwork, frames: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = network(frames, torch.tensor(lengths))
    return result


@pytest.mark.parametrize("length", [10, 11, 130])
def test_padding_changes_nothing(network: FrameNetwork, length: int) -> None:
    frames = torch.randn(1, length, 25) * 9
    padded = torch.cat([frames, torch.full((1, 37, 25), 1e6)], 1)
    alone, beside = answer(network, frames, [length]), answer(network, padded, [length])
    assert torch.allclose(alone, beside, atol=1e-5)


def test_answers_are_log_probabilities(network: FrameNetwork) -> None:
    rows = answer(network, torch.randn(3, 40, 25) * 9, [40, 12, 31])
    assert rows.shape == (3, LABELS)
    assert torch.allclose(rows.exp().sum(1), torch.ones(3))


@pytest.mark.parametrize("value", [0.0, 3e38, -3e38])
def test_every_finite_input_gets_a_finite_answer(network: FrameNetwork, value: float) -> None:
    assert torch.isfinite(answer(network, torch.full((1, 10, 25), value), [10])).all()


@pytest.fixture(scope="module")
def caches(
    extraction: Extraction, cache: FeatureCache, tmp_path_factory: pytest.TempPathFactory
) -> Caches:
    folder = tmp_path_factory.mktemp("caches")
    return Caches(
        cache,
        prosody_cache(folder),
        SpectraCache(folder / "spectra", Variants(dry=0, rooms=0)),
        folder,
    )


def trainer_of(hyperparameters: Hyperparameters, caches: Caches) -> Trainer:
    system = replace(SYSTEM, models=(FrameModel(hyperparameters),))
    return Trainer.of(system, caches)


@pytest.fixture(scope="module")
def trainer(extraction: Extraction, examples: Examples, caches: Caches) -> Trainer:
    trainer = trainer_of(QUICK, caches)
    trainer.prepare(extraction, examples, Here())
    return trainer


@pytest.fixture(scope="module")
def held_out(examples: Examples) -> np.ndarray:
    return examples.of(["01", "02", "03", "04"])


@pytest.fixture(scope="module")
def fitted(trainer: Trainer, examples: Examples, held_out: np.ndarray) -> FittedFrames:
    fitted = trainer.fit(examples.where(~held_out), seed=1)
    assert isinstance(fitted, FittedFrames)
    return fitted


def test_the_loss_falls(fitted: FittedFrames) -> None:
    assert fitted.losses.shape == (QUICK.epochs,)
    assert fitted.losses[-1] < 0.9 * fitted.losses[0]


def test_the_exported_network_beats_chance_on_new_voices(
    fitted: FittedFrames,
    examples: Examples,
    clips: list[Float32],
    held_out: np.ndarray,
    tmp_path: Path,
) -> None:
    distance = Distance.fit(examples.features, Standardisation.fit(examples.features))
    export_network(deployable_model(fitted, distance, 1.0), {}, clips, tmp_path / "TCN.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "TCN.onnx")
    answers = [
        session.run(["probabilities"], {"frames": clip[None], "lengths": np.array([len(clip)])})
        for clip, unheard in zip(clips, held_out, strict=True)
        if unheard
    ]
    predictions = np.concatenate([probabilities for (probabilities,) in answers]).argmax(axis=1)
    assert unweighted_average_recall(examples.targets[held_out], predictions) > 0.2
    logits = fitted.logits([c for c, unheard in zip(clips, held_out, strict=True) if unheard])
    np.testing.assert_array_equal(predictions, logits.argmax(axis=1))


@pytest.fixture(scope="module")
def short(trainer: Trainer, caches: Caches) -> Trainer:
    """Two epochs for each of two members."""
    return trainer_of(replace(QUICK, epochs=2, dilations=((1, 2),) * 2), caches)


@pytest.fixture(scope="module")
def few(examples: Examples) -> Examples:
    return examples.where(examples.of(["01", "02"]))


@pytest.fixture(scope="module")
def whole(short: Trainer, few: Examples) -> FittedFrames:
    """After a fit that nothing stopped."""
    fitted = short.fit(few, seed=1)
    assert isinstance(fitted, FittedFrames)
    return fitted


def test_a_checkpoint_gives_the_network_back(
    short: Trainer, few: Examples, whole: FittedFrames, clips: list[Float32], tmp_path: Path
) -> None:
    path, seen = tmp_path / "TCN.pt", []
    short.fit_to(path, few, lambda epoch, _: seen.append(epoch))
    assert seen == [1, 2, 3, 4]
    short.fit_to(path, few, lambda epoch, _: seen.append(epoch), resume=True)
    assert len(seen) == 4
    loaded = short.load(path, few)
    np.testing.assert_array_equal(loaded.logits(clips[:5]), whole.logits(clips[:5]))
    np.testing.assert_array_equal(loaded.losses, whole.losses)
    with pytest.raises(CheckpointError, match="epochs: 2 there, 12 here"):
        trainer_of(QUICK, short.caches).load(path, few)


@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_stopped_fit_continues_bit_for_bit_within_a_member_and_between_members(
    short: Trainer, few: Examples, whole: FittedFrames, tmp_path: Path, last: int
) -> None:
    def stop(epoch: int, loss: float) -> None:
        if epoch == last:
            raise KeyboardInterrupt

    path, seen = tmp_path / "TCN.pt", []
    with pytest.raises(KeyboardInterrupt):
        short.fit_to(path, few, stop)
    with pytest.raises(CheckpointError, match=f"stopped after {last} of 4 epochs"):
        short.load(path, few)
    torch.rand(7)  # other code may change the random state in between
    continued = short.fit_to(path, few, lambda epoch, _: seen.append(epoch), resume=True)
    assert isinstance(continued, FittedFrames)
    assert seen == list(range(last + 1, 5))
    np.testing.assert_array_equal(continued.losses, whole.losses)
    ours, theirs = whole.module.state_dict(), continued.module.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
