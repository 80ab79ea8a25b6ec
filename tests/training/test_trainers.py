"""A frame network of a few steps on real clips, from spectra to the exported file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

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
from training.frames.fitting import FrameSettings
from training.frames.network import MemberSettings
from training.metrics import unweighted_average_recall
from training.storage.checkpoints import CheckpointError
from training.trainers import FittedFrames, FrameTrainer

# The recordings alone, since spectra of their variants take minutes.
SETTINGS = FrameSettings(
    members=(MemberSettings(channels=32, dilations=(1, 2)),) * 2,
    epochs=12,
    augmentation=FrameAugmentation(original_share=1.0, noise=NoiseSettings(babble_share=0.0)),
)


@pytest.fixture(scope="module")
def trainer(
    extraction: Extraction, cache: FeatureCache, tmp_path_factory: pytest.TempPathFactory
) -> FrameTrainer:
    spectra = SpectraCache(tmp_path_factory.mktemp("spectra"), Variants(dry=0, rooms=0))
    trainer = FrameTrainer("TCN", cache, spectra, seed=1, settings=SETTINGS)
    paths = [utterance.path for utterance in extraction.corpus.utterances]
    trainer.prepare(dict(zip(extraction.content_hashes, paths, strict=True)), Here())
    return trainer


@pytest.fixture(scope="module")
def held_out(examples: Examples) -> np.ndarray:
    return examples.of(["01", "02", "03", "04"])


@pytest.fixture(scope="module")
def fitted(trainer: FrameTrainer, examples: Examples, held_out: np.ndarray) -> FittedFrames:
    return trainer.fit(examples.where(~held_out), seed=1)


def test_the_loss_falls(fitted: FittedFrames) -> None:
    assert fitted.losses.shape == (SETTINGS.epochs,)
    assert fitted.losses[-1] < 0.9 * fitted.losses[0]


def test_the_exported_network_beats_chance_on_new_voices(
    fitted: FittedFrames,
    examples: Examples,
    clips: list[Float32],
    held_out: np.ndarray,
    tmp_path: Path,
) -> None:
    distance = Distance.fit(examples.vectors, Standardisation.fit(examples.vectors))
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


def test_a_checkpoint_gives_the_network_back(
    trainer: FrameTrainer, examples: Examples, clips: list[Float32], tmp_path: Path
) -> None:
    short = replace(trainer, settings=replace(SETTINGS, epochs=2))
    few, path, seen = examples.where(examples.of(["01", "02"])), tmp_path / "TCN.pt", []
    short.fit_to(path, few, lambda epoch, _: seen.append(epoch), resume=False)
    assert seen == [1, 2, 3, 4]
    short.fit_to(path, few, lambda epoch, _: seen.append(epoch), resume=True)
    assert len(seen) == 4
    logits = short.load(path, few).logits(clips[:5])
    np.testing.assert_array_equal(logits, short.fit(few, seed=1).logits(clips[:5]))
    with pytest.raises(CheckpointError, match="epochs: 2 there, 12 here"):
        trainer.load(path, few)
