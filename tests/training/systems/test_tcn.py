"""The TCN: what its answer depends on; fitted, exported and continued."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from tests.training.conftest import Here
from training.audio.augmentation import FrameAugmentation
from training.audio.noise import NoiseSettings
from training.audio.real_noise import RealNoises
from training.audio.spectra import SpectraCache, Variants
from training.calibration import Temperature
from training.examples import Examples
from training.export.deployable import deployable_model
from training.export.onnx_file import export_network
from training.export.ood_distance import Distance
from training.features.cache import ORIGINAL, FeatureCache
from training.features.extraction import Extraction
from training.features.standardisation import Standardisation
from training.frames.hyperparameters import Hyperparameters
from training.frames.network import FrameNetwork, Member
from training.metrics import unweighted_average_recall
from training.protocols.results import MFCCS_ALONE
from training.storage.checkpoints import CheckpointError
from training.systems.base.system import Caches
from training.systems.base.trainer import Trainer
from training.systems.tcn import SYSTEM, FittedFrames, FrameModel
from training.systems.tcn_ensemble import SYSTEM as ENSEMBLE
from training.systems.tcn_ensemble import EnsembleModel
from training.voice.clips import ALL, FORMS, MEASURED_WITH, VoiceClip
from training.voice.prosody import prosody_cache
from training.voice.summary import BASELINE, mfcc_vectors

# The recordings alone, since spectra of their variants take minutes.
QUICK = Hyperparameters(
    dilations=((1, 2),),
    channels=32,
    epochs=12,
    augmentation=FrameAugmentation(original_share=1.0, noise=NoiseSettings(babble_share=0.0)),
)
LABELS = 8
LENGTHS = [40, 12, 31]


@pytest.fixture(scope="module")
def network() -> FrameNetwork:
    torch.manual_seed(0)
    members = [Member(Hyperparameters(), (1, 2, 4), LABELS) for _ in range(2)]
    for member in members:
        member.inputs.fit(np.random.default_rng(0).normal(0, 9, (100, 25)).astype("f4"))
    return FrameNetwork(members).eval()


def given(count: int, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Frames, prosody and baselines of clips."""
    torch.manual_seed(0)
    voiced = torch.rand(count, length) > 0.4
    pitch = voiced * (2 + torch.rand(count, length))
    prosody = torch.stack([pitch, 0.5 * voiced + 0.3, torch.full_like(pitch, -20)], 2)
    baselines = torch.randn(count, BASELINE) * 5
    baselines[:, -1] = 4
    return torch.randn(count, length, 25) * 9, prosody, baselines


def answer(network: FrameNetwork, *inputs: Tensor, lengths: list[int]) -> Tensor:
    """Of frames, and of prosody and baselines where they are given."""
    nothing = (torch.zeros(*inputs[0].shape[:2], 3), torch.zeros(len(inputs[0]), BASELINE))
    frames, prosody, baselines = (*inputs, *nothing[len(inputs) - 1 :])
    with torch.inference_mode():
        result: Tensor = network(frames, torch.tensor(lengths), prosody, baselines)
    return result


@pytest.mark.parametrize("length", [10, 11, 130])
@pytest.mark.parametrize("inputs", [1, 3])
def test_padding_changes_nothing(network: FrameNetwork, length: int, inputs: int) -> None:
    """With frames alone, and with prosody and a baseline; prosody is padded with zeros."""
    frames, prosody, baseline = given(1, length)
    padded = torch.cat([frames, torch.full((1, 37, 25), 1e6)], 1)
    longer = torch.cat([prosody, torch.zeros(1, 37, 3)], 1)
    alone = answer(network, *(frames, prosody, baseline)[:inputs], lengths=[length])
    beside = answer(network, *(padded, longer, baseline)[:inputs], lengths=[length])
    assert torch.allclose(alone, beside, atol=1e-5)


def test_answers_are_log_probabilities(network: FrameNetwork) -> None:
    rows = answer(network, *given(3, 40), lengths=LENGTHS)
    assert rows.shape == (3, LABELS)
    assert torch.allclose(rows.exp().sum(1), torch.ones(3))


def test_prosody_and_baseline_change_the_answer(network: FrameNetwork) -> None:
    frames, prosody, baselines = given(3, 40)
    rows = [
        answer(network, *inputs, lengths=LENGTHS)
        for inputs in ((frames,), (frames, prosody), (frames, prosody, baselines))
    ]
    assert (rows[0] - rows[1]).abs().amax(1).min() > 1e-3
    assert (rows[1] - rows[2]).abs().amax(1).min() > 1e-3


@pytest.mark.parametrize("value", [0.0, 3e38, -3e38])
@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_every_finite_input_gets_a_finite_answer(
    network: FrameNetwork, value: float, inputs: int
) -> None:
    shapes = [(1, 10, 25), (1, 10, 3), (1, BASELINE)]
    extremes = [torch.full(shape, value) for shape in shapes[:inputs]]
    assert torch.isfinite(answer(network, *extremes, lengths=[10])).all()


def test_a_clip_of_frames_alone_is_one_with_zeros(network: FrameNetwork) -> None:
    fitted = FittedFrames(network, np.zeros(1, np.float32))
    frames, prosody, baselines = (rows.numpy() for rows in given(70, 20))  # two groups
    clips = [VoiceClip(f, 0 * p, 0 * b) for f, p, b in zip(frames, prosody, baselines, strict=True)]
    alone = fitted.logits(list(frames))
    np.testing.assert_array_equal(alone, fitted.logits(clips))
    spoken = [replace(clip, prosody=p) for clip, p in zip(clips, prosody, strict=True)]
    assert (np.abs(alone - fitted.logits(spoken)).max(axis=1) > 1e-4).all()


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
def trainer(caches: Caches) -> Trainer:
    return trainer_of(QUICK, caches)


@pytest.fixture(scope="module")
def voices(trainer: Trainer, extraction: Extraction, examples: Examples) -> Examples:
    """Summaries of the clips, whose spectra and prosody are in the caches."""
    return trainer.prepare(extraction, examples, Here())


@pytest.fixture(scope="module")
def held_out(voices: Examples) -> np.ndarray:
    return voices.of(["01", "02", "03", "04"])


@pytest.fixture(scope="module")
def fitted(trainer: Trainer, voices: Examples, held_out: np.ndarray) -> FittedFrames:
    fitted = trainer.fit(voices.where(~held_out), seed=1)
    assert isinstance(fitted, FittedFrames)
    return fitted


def test_the_loss_falls(fitted: FittedFrames) -> None:
    assert fitted.losses.shape == (QUICK.epochs,)
    assert fitted.losses[-1] < 0.9 * fitted.losses[0]


def test_each_form_of_request_has_what_it_says(trainer: Trainer, voices: Examples) -> None:
    for folder, form in {ORIGINAL.folder: None, **FORMS}.items():
        for clip in trainer.clips(voices, range(3), folder):
            assert clip.frames.shape == (len(clip.prosody), 25)
            assert clip.prosody.any() == (form is not None and form.prosody)
            clips = MEASURED_WITH if form is not None and form.baseline else 0
            assert clip.baseline[-1] == clips
            assert clip.baseline[:25].any() == bool(clips)


def test_the_exported_network_beats_chance_on_new_voices_in_each_form_of_request(
    fitted: FittedFrames,
    trainer: Trainer,
    voices: Examples,
    held_out: np.ndarray,
    tmp_path: Path,
) -> None:
    vectors = mfcc_vectors(voices.features)
    distance = Distance.fit(vectors, Standardisation.fit(vectors))
    temperatures = {MFCCS_ALONE: 1.0, "prosody": 0.8, "baseline": 1.2, ALL: 1.5}
    model = deployable_model(
        fitted, distance, {form: Temperature(t) for form, t in temperatures.items()}
    )
    unheard = np.flatnonzero(held_out).tolist()
    given = trainer.clips(voices, unheard, ALL)
    export_network(model, {}, given, tmp_path / "TCN.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "TCN.onnx")
    for form, temperature in temperatures.items():
        folder = form if form in FORMS else ORIGINAL.folder
        clips = trainer.clips(voices, unheard, folder)
        found = np.concatenate([run(session, clip) for clip in clips])
        logits = torch.from_numpy(fitted.logits(clips))
        expected = torch.softmax(logits / temperature, dim=1).numpy()
        np.testing.assert_allclose(found, expected, atol=1e-5)
        recall = unweighted_average_recall(voices.targets[held_out], found.argmax(axis=1))
        assert recall > 0.2


def run(session: onnxruntime.InferenceSession, clip: VoiceClip) -> np.ndarray:
    """Probabilities (1, L)."""
    feed = {
        "frames": clip.frames[None],
        "lengths": np.array([len(clip.frames)]),
        "prosody": clip.prosody[None],
        "baseline": clip.baseline[None],
    }
    (probabilities,) = session.run(["probabilities"], feed)
    return np.asarray(probabilities)


@pytest.fixture(scope="module")
def short(caches: Caches) -> Trainer:
    """Two epochs for each of two members."""
    return trainer_of(replace(QUICK, epochs=2, dilations=((1, 2),) * 2), caches)


@pytest.fixture(scope="module")
def few(voices: Examples) -> Examples:
    return voices.where(voices.of(["01", "02"]))


@pytest.fixture(scope="module")
def whole(short: Trainer, few: Examples) -> FittedFrames:
    """After a fit that nothing stopped."""
    fitted = short.fit(few, seed=1)
    assert isinstance(fitted, FittedFrames)
    return fitted


def test_a_checkpoint_gives_the_network_back(
    short: Trainer, few: Examples, whole: FittedFrames, tmp_path: Path
) -> None:
    path, seen = tmp_path / "TCN.pt", []
    short.fit_to(path, few, lambda epoch, _: seen.append(epoch))
    assert seen == [1, 2, 3, 4]
    short.fit_to(path, few, lambda epoch, _: seen.append(epoch), resume=True)
    assert len(seen) == 4
    loaded = short.load(path, few)
    assert isinstance(loaded, FittedFrames)
    clips = short.clips(few, range(5), ALL)
    np.testing.assert_array_equal(loaded.logits(clips), whole.logits(clips))
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


@pytest.mark.parametrize(("seed", "seeds"), [(0, (999_999, 0)), (1, (1, 2)), (2, (3, 4))])
def test_an_ensemble_is_the_tcns_of_consecutive_seeds(
    caches: Caches, few: Examples, seed: int, seeds: tuple[int, int]
) -> None:
    model = EnsembleModel(replace(QUICK, epochs=1, dilations=QUICK.dilations * 2))
    ensemble = Trainer.of(replace(ENSEMBLE, models=(model,)), caches).fit(few, seed)
    assert isinstance(ensemble, FittedFrames)
    one, weights = trainer_of(replace(QUICK, epochs=1), caches), []
    for member, alone in zip(ensemble.module.members, seeds, strict=True):
        fitted = one.fit(few, alone)
        assert isinstance(fitted, FittedFrames)
        (expected,) = fitted.module.members
        torch.testing.assert_close(member.state_dict(), expected.state_dict(), rtol=0, atol=0)
        weights.append(expected.state_dict()["output.weight"])
    assert not torch.equal(*weights)


def test_a_fit_depends_on_its_recorded_noises(short: Trainer, caches: Caches) -> None:
    assert short.settings_of_the_fit["noises"] == []
    more = replace(caches, noises=RealNoises((Path("folder/rain.wav"),)))
    assert trainer_of(QUICK, more).settings_of_the_fit["noises"] == ["rain.wav"]
