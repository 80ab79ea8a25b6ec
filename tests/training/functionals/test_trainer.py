"""A mixed network on a few German clips: fitted, kept, exported and served with its own labels."""

import json
from dataclasses import replace
from pathlib import Path

import falcon.testing
import numpy as np
import pytest

from configuration import ROOT
from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.training.conftest import Here, extract
from training.audio.augmentation import FrameAugmentation
from training.audio.noise import NoiseSettings
from training.audio.spectra import SpectraCache, Variants
from training.corpora.emodb import EMODB_2S
from training.examples import Examples, load_examples
from training.export.deployable import deployable_model
from training.export.metadata import FORMAT
from training.export.onnx_file import export_network
from training.export.ood_distance import Distance
from training.features.cache import FeatureCache
from training.features.extraction import Extraction
from training.features.recipe import RECIPE
from training.features.standardisation import Standardisation
from training.frames.fitting import FrameSettings
from training.frames.network import MemberSettings
from training.functionals.fitting import FunctionalsSettings
from training.functionals.trainer import MixedTrainer
from training.storage.checkpoints import CheckpointError
from training.trainers import FittedFrames

# The recordings alone, since spectra of their variants take minutes.
RECORDINGS = FrameAugmentation(original_share=1.0, noise=NoiseSettings(0.0, 0.0, 0.0))
SETTINGS = FrameSettings(
    members=(MemberSettings(channels=16, dilations=(1,)),), epochs=2, augmentation=RECORDINGS
)
HEADS = FunctionalsSettings(heads=2, draws=1, augmentation=RECORDINGS)
UNHEARD = ["15", "16"]


@pytest.fixture(scope="module")
def german(
    emodb: Path, cache: FeatureCache, tmp_path_factory: pytest.TempPathFactory
) -> Extraction:
    """Four sentences, from every speaker."""
    folder = tmp_path_factory.mktemp("german")
    return extract(emodb.glob("??a0[1245]??.*"), EMODB_2S, folder, cache)


@pytest.fixture(scope="module")
def examples(german: Extraction, cache: FeatureCache) -> Examples:
    return load_examples(german, cache, 0)


@pytest.fixture(scope="module")
def trainer(
    german: Extraction, cache: FeatureCache, tmp_path_factory: pytest.TempPathFactory
) -> MixedTrainer:
    spectra = SpectraCache(tmp_path_factory.mktemp("spectra"), Variants(dry=0, rooms=0))
    trainer = MixedTrainer("TCN", cache, spectra, 1, SETTINGS, functionals=HEADS)
    paths = [utterance.path for utterance in german.corpus.utterances]
    trainer.prepare(dict(zip(german.content_hashes, paths, strict=True)), Here())
    return trainer


@pytest.fixture(scope="module")
def fitted(trainer: MixedTrainer, examples: Examples) -> FittedFrames:
    return trainer.fit(examples.where(~examples.of(UNHEARD)), seed=1)


def test_the_heads_tell_emotions_of_new_voices(
    fitted: FittedFrames, examples: Examples, cache: FeatureCache
) -> None:
    unheard = examples.where(examples.of(UNHEARD))
    logits = fitted.logits([cache.frames(content) for content in unheard.contents.tolist()])
    assert (logits.argmax(axis=1) == unheard.targets).mean() > 2 / 7


def test_a_checkpoint_gives_the_network_back(
    trainer: MixedTrainer, examples: Examples, cache: FeatureCache, tmp_path: Path
) -> None:
    few, path = examples.where(examples.of(["09", "10"])), tmp_path / "TCN.pt"
    trainer.fit_to(path, few, lambda _epoch, _loss: None, resume=False)
    clips = [cache.frames(content) for content in few.contents[:5].tolist()]
    logits = trainer.load(path, few).logits(clips)
    np.testing.assert_array_equal(logits, trainer.fit(few, seed=1).logits(clips))
    with pytest.raises(CheckpointError, match="functionals"):
        replace(trainer, functionals=replace(HEADS, heads=3)).load(path, few)


def test_the_server_serves_it_with_the_labels_of_its_corpus(
    fitted: FittedFrames, examples: Examples, cache: FeatureCache, tmp_path: Path
) -> None:
    clips = [cache.frames(content) for content in examples.contents.tolist()]
    distance = Distance.fit(examples.vectors, Standardisation.fit(examples.vectors))
    metadata = {
        "input": "frames",
        "labels": examples.labels,
        "recipe": RECIPE.as_json(),
        "distance_limit": 2.0,
        "metrics": {"protocol": "none: made for a test", "speakerIndependentUar": 0.5},
        **{key: {} for key in ("corpus", "training", "intended_use")},
    }
    texts = {"format": FORMAT, **{key: json.dumps(value) for key, value in metadata.items()}}
    export_network(deployable_model(fitted, distance, 1.0), texts, clips, tmp_path / "TCN.onnx")
    for name in ("mfcc.onnx", "reference.wav"):
        (tmp_path / name).symlink_to(ROOT / "models" / name)
    settings = Settings(ServerSettings(), ModelSettings(tmp_path))
    client = falcon.testing.TestClient(create_app(settings, load_catalog(tmp_path)))
    answer = client.simulate_post("/prediction/tcn", json={"mfccs": clips[0].tolist()})
    results = answer.json["results"]
    assert [result["emotionType"] for result in results] == list(EMODB_2S.emotions)
    expected = np.exp(fitted.logits(clips[:1]))[0]
    np.testing.assert_allclose([r["prediction"] for r in results], expected, atol=1e-4)
