"""TCN-functionals: functionals of known frames; a fit of a few German clips, served as well."""

import json
from dataclasses import replace
from pathlib import Path

import falcon.testing
import numpy as np
import pytest
import torch

from configuration import ROOT
from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.training.conftest import Here, extract
from training.audio.augmentation import FrameAugmentation
from training.audio.noise import NoiseSettings
from training.audio.spectra import SpectraCache, Variants
from training.calibration import Temperature
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
from training.frames.network import Member
from training.protocols.results import MFCCS_ALONE
from training.storage.checkpoints import CheckpointError
from training.systems.base.system import Caches
from training.systems.base.trainer import Trainer
from training.systems.tcn import FittedFrames
from training.systems.tcn_functionals import (
    FUNCTIONALS,
    SYSTEM,
    FunctionalsNetwork,
    Head,
    HeadHyperparameters,
    Hyperparameters,
    MixedModel,
    MixedNetwork,
)
from training.systems.tcn_functionals import Functionals as Computed
from training.voice.prosody import prosody_cache
from training.voice.summary import BASELINE, PROSODY

# The recordings alone, since spectra of their variants take minutes.
RECORDINGS = FrameAugmentation(original_share=1.0, noise=NoiseSettings(0.0, 0.0, 0.0))
QUICK = Hyperparameters(
    dilations=((1,),),
    channels=16,
    epochs=2,
    augmentation=RECORDINGS,
    functionals_heads=2,
    heads=HeadHyperparameters(draws=1, augmentation=RECORDINGS),
)
UNHEARD = ["15", "16"]
LABELS = 7


@pytest.fixture(scope="module")
def network() -> MixedNetwork:
    torch.manual_seed(0)
    members = [Member(Hyperparameters(channels=16), (1,), LABELS)]
    heads = FunctionalsNetwork([Head(8, LABELS, 0.3) for _ in range(2)])
    return MixedNetwork(members, heads).eval()


def nothing_else(frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The prosody and the baselines of clips of which frames alone are given."""
    return torch.zeros(*frames.shape[:2], PROSODY), torch.zeros(len(frames), BASELINE)


def answer(network: MixedNetwork, frames: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        rows: torch.Tensor = network(frames, torch.tensor(lengths), *nothing_else(frames))
    return rows


def functionals(frames: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        values: torch.Tensor = Computed()(frames, torch.tensor(lengths))
    return values


def test_a_still_voice_has_its_level_and_no_movement() -> None:
    (values,) = functionals(torch.full((1, 40, 25), 2.0), [40])
    assert values.shape == (FUNCTIONALS,)
    assert torch.allclose(values[:25], torch.tensor(2.0))
    assert torch.allclose(values[-100:-25], torch.tensor(0.0))


def test_coefficients_that_move_together_are_correlated() -> None:
    frames = torch.randn(1, 60, 25)
    frames[..., 1] = 3 * frames[..., 0]
    frames[..., 2] = -frames[..., 0]
    values = functionals(frames.clamp(-2, 2), [60])[0]
    correlations = values[25 * 11 : 25 * 11 + 300]  # after moments, extremes, trend, distribution
    assert correlations[0] > 0.9
    assert correlations[1] == pytest.approx(-1, abs=1e-3)


def test_a_rise_is_told_from_a_fall() -> None:
    rise = torch.linspace(-1, 1, 50)[None, :, None].expand(1, 50, 25)
    up, down = functionals(rise, [50]), functionals(-rise, [50])
    assert (up[0, 125:150] > 0.3).all()
    assert torch.allclose(up[0, 125:150], -down[0, 125:150], atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 10, 130])
def test_padding_changes_nothing(network: MixedNetwork, length: int) -> None:
    frames = torch.randn(1, length, 25)
    padded = torch.cat([frames, torch.full((1, 37, 25), 1e6)], 1)
    alone, beside = (answer(network, rows, [length]) for rows in (frames, padded))
    assert torch.allclose(alone, beside, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 3e38, -3e38])
def test_every_finite_input_gets_a_finite_answer(network: MixedNetwork, value: float) -> None:
    assert torch.isfinite(answer(network, torch.full((1, 10, 25), value), [10])).all()


def test_heads_and_members_count_alike(network: MixedNetwork) -> None:
    frames, lengths = torch.randn(3, 30, 25), torch.tensor([30, 12, 25])
    with torch.inference_mode():
        other = nothing_else(frames)
        answers = [member(frames, lengths, *other) for member in network.members]
        answers += list(network.functionals(frames, lengths))
        mean = torch.stack([rows.softmax(1) for rows in answers]).mean(0)
        np.testing.assert_allclose(network(frames, lengths, *other).exp(), mean, atol=1e-5)


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
def caches(cache: FeatureCache, tmp_path_factory: pytest.TempPathFactory) -> Caches:
    folder = tmp_path_factory.mktemp("caches")
    return Caches(
        cache,
        prosody_cache(folder),
        SpectraCache(folder / "spectra", Variants(dry=0, rooms=0)),
        folder,
    )


def trainer_of(hyperparameters: Hyperparameters, caches: Caches) -> Trainer:
    system = replace(SYSTEM, models=(MixedModel(hyperparameters),))
    return Trainer.of(system, caches)


@pytest.fixture(scope="module")
def trainer(german: Extraction, examples: Examples, caches: Caches) -> Trainer:
    trainer = trainer_of(QUICK, caches)
    trainer.prepare(german, examples, Here())
    return trainer


@pytest.fixture(scope="module")
def fitted(trainer: Trainer, examples: Examples) -> FittedFrames:
    fitted = trainer.fit(examples.where(~examples.of(UNHEARD)), seed=1)
    assert isinstance(fitted, FittedFrames)
    return fitted


def test_the_heads_tell_emotions_of_new_voices(
    fitted: FittedFrames, examples: Examples, cache: FeatureCache
) -> None:
    unheard = examples.where(examples.of(UNHEARD))
    logits = fitted.logits([cache.read(content) for content in unheard.content_hashes.tolist()])
    assert (logits.argmax(axis=1) == unheard.targets).mean() > 2 / 7


def test_a_stopped_fit_continues_bit_for_bit_and_is_kept(
    trainer: Trainer, examples: Examples, caches: Caches, tmp_path: Path
) -> None:
    def stop(epoch: int, loss: float) -> None:
        if epoch == 60:  # in the second head
            raise KeyboardInterrupt

    few, path = examples.where(examples.of(["09", "10"])), tmp_path / "TCN.pt"
    whole = trainer.fit(few, seed=1)
    assert isinstance(whole, FittedFrames)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit_to(path, few, stop)
    trainer.fit_to(path, few, lambda _epoch, _loss: None, resume=True)
    loaded = trainer.load(path, few)
    assert isinstance(loaded, FittedFrames)
    ours, theirs = whole.module.state_dict(), loaded.module.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    with pytest.raises(CheckpointError, match="functionals"):
        trainer_of(replace(QUICK, functionals_heads=3), caches).load(path, few)


def test_the_server_serves_it_with_the_labels_of_its_corpus(
    fitted: FittedFrames, examples: Examples, cache: FeatureCache, tmp_path: Path
) -> None:
    clips = [cache.read(content) for content in examples.content_hashes.tolist()]
    distance = Distance.fit(examples.features, Standardisation.fit(examples.features))
    metadata = {
        "input": "frames",
        "labels": examples.labels,
        "recipe": RECIPE.as_json(),
        "distance_limit": 2.0,
        "metrics": {"protocol": "none: made for a test", "speakerIndependentUar": 0.5},
        **{key: {} for key in ("corpus", "training", "intended_use")},
    }
    texts = {"format": FORMAT, **{key: json.dumps(value) for key, value in metadata.items()}}
    served = deployable_model(fitted, distance, {MFCCS_ALONE: Temperature()})
    export_network(served, texts, clips, tmp_path / "TCN.onnx")
    for name in ("mfcc.onnx", "reference.wav"):
        (tmp_path / name).symlink_to(ROOT / "models" / name)
    settings = Settings(ServerSettings(), ModelSettings(tmp_path))
    client = falcon.testing.TestClient(create_app(settings, load_catalog(tmp_path)))
    response = client.simulate_post("/prediction/tcn", json={"mfccs": clips[0].tolist()})
    results = response.json["results"]
    assert [result["emotionType"] for result in results] == list(EMODB_2S.emotions)
    expected = np.exp(fitted.logits(clips[:1]))[0]
    np.testing.assert_allclose([r["prediction"] for r in results], expected, atol=1e-4)
