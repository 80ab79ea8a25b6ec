"""The exported frame network that takes prosody and a baseline as well."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from scipy.special import softmax

from training.arrays import Float32
from training.calibration import Temperature
from training.examples import Examples
from training.export.deployable import deployable_model
from training.export.deployable_voice import DeployableVoiceFrames
from training.export.model import Feed
from training.export.onnx_file import export_network
from training.export.ood_distance import Distance
from training.features.standardisation import Standardisation
from training.frames.hyperparameters import Hyperparameters
from training.frames.network import FrameNetwork, Member
from training.protocols.results import MFCCS_ALONE
from training.systems.tcn import FittedFrames
from training.voice.baseline_distance import BaselineDistance, Discriminant
from training.voice.clips import VoiceClip
from training.voice.summary import baseline_of, clip_means, summary

TEMPERATURES = {  # in the order of `forms`
    MFCCS_ALONE: Temperature(1.3, 0.4),
    "prosody": Temperature(0.9, 0.2),
    "baseline": Temperature(1.1),
    "prosody and baseline": Temperature(0.7, 0.5),
}
SPEAKERS = 4
Answer = Callable[[Feed], list[Float32]]


def spoken(frames: Float32) -> Float32:
    """Prosody (T, 3) of which every other frame is voiced."""
    voiced = np.arange(len(frames)) % 2
    pitch = voiced * np.linspace(2, 3, len(frames))
    level = np.full(len(frames), -20)
    return np.stack([pitch, 0.2 + 0.7 * voiced, level], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def voiced(clips: list[Float32]) -> list[VoiceClip]:
    """Real clips with a made-up pitch, and a baseline of the clips that follow."""
    means = np.stack([clip_means(clip, spoken(clip)) for clip in clips])
    rows = range(len(clips))
    return [
        VoiceClip(clips[row], spoken(clips[row]), baseline_of(np.roll(means, -row, axis=0)[1:6]))
        for row in rows
    ]


@pytest.fixture(scope="module")
def model(examples: Examples, clips: list[Float32]) -> DeployableVoiceFrames:
    """A small network with random weights."""
    torch.manual_seed(0)
    members = [Member(Hyperparameters(channels=16), (1,), 8) for _ in range(2)]
    for member in members:
        member.inputs.fit(np.concatenate(clips))
    summaries = np.stack([summary(clip, spoken(clip)) for clip in clips])
    discriminant = Discriminant.fit(summaries, examples.speakers)
    fitted = FittedFrames(
        FrameNetwork(members).eval(), np.zeros(1, np.float32), BaselineDistance(discriminant)
    )
    distance = Distance.fit(examples.features, Standardisation.fit(examples.features))
    found = deployable_model(fitted, distance, TEMPERATURES)
    assert isinstance(found, DeployableVoiceFrames)
    return found


@pytest.fixture(scope="module")
def answer(
    model: DeployableVoiceFrames,
    voiced: list[VoiceClip],
    tmp_path_factory: pytest.TempPathFactory,
) -> Answer:
    """Runs the exported file; the export itself compares every form of request with PyTorch."""
    path = tmp_path_factory.mktemp("export") / "TCN.onnx"
    export_network(model, {"format": "test"}, voiced[:40], path)
    session = onnxruntime.InferenceSession(path)
    assert [node.name for node in session.get_inputs()] == list(model.axes)
    assert [node.name for node in session.get_outputs()] == list(model.outputs)
    return lambda feed: list(session.run(None, feed))


def forms(clip: VoiceClip) -> list[VoiceClip]:
    """The same clip with nothing else, with prosody, with a baseline, and with both."""
    alone = VoiceClip.of(clip.frames)
    return [
        alone,
        replace(alone, prosody=clip.prosody),
        replace(alone, baseline=clip.baseline),
        clip,
    ]


def together(clips: list[VoiceClip], beyond: float = 0.0, padding: int = 0) -> Feed:
    """One batch, whose frames and prosody beyond each clip are all `beyond`."""
    lengths = [len(clip.frames) for clip in clips]
    frames, prosody = (
        np.full((len(clips), max(lengths) + padding, size), beyond, np.float32) for size in (25, 3)
    )
    for row, clip in enumerate(clips):
        frames[row, : lengths[row]], prosody[row, : lengths[row]] = clip.frames, clip.prosody
    baselines = np.stack([clip.baseline for clip in clips])
    return {
        "frames": frames,
        "lengths": np.array(lengths),
        "prosody": prosody,
        "baseline": baselines,
    }


@pytest.mark.parametrize("count", [1, 3])
def test_the_file_gives_what_pytorch_gives_in_each_form_of_request(
    model: DeployableVoiceFrames, voiced: list[VoiceClip], answer: Answer, count: int
) -> None:
    fitted = FittedFrames(model.network, np.zeros(1, np.float32))
    mixed = [form for clip in voiced[:count] for form in forms(clip)]
    found, distances, _ = answer(together(mixed))
    rows = [each.of(distances) for each in TEMPERATURES.values()]
    temperatures = np.choose(np.tile(range(len(rows)), count), rows)
    expected = softmax(fitted.logits(mixed) / temperatures[:, None], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for clip, row in zip(mixed, expected, strict=True):
        np.testing.assert_allclose(answer(together([clip]))[0][0], row, atol=1e-5)


def test_what_lies_beyond_the_length_is_ignored(voiced: list[VoiceClip], answer: Answer) -> None:
    clips = forms(voiced[0])
    alone = answer(together(clips))
    padded = answer(together(clips, beyond=7.0, padding=50))
    for one, other in zip(alone, padded, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_distance_from_a_baseline_is_that_of_its_mfccs(
    voiced: list[VoiceClip], answer: Answer
) -> None:
    alone, prosody, baseline, both = answer(together(forms(voiced[0])))[2]
    assert alone == prosody == 0
    assert baseline == both > 0


def test_outputs_are_finite_for_any_finite_input(voiced: list[VoiceClip], answer: Answer) -> None:
    random = np.random.default_rng(0)
    for name, part in together(voiced[:20]).items():
        if name == "lengths":
            continue
        scales = 10.0 ** random.uniform(-38, 38.5, (len(part), *[1] * (part.ndim - 1)))
        extreme = random.choice([-1, 1], part.shape) * scales
        feed = {**together(voiced[:20]), name: extreme.astype(np.float32)}
        probabilities, *distances = answer(feed)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        assert all(np.isfinite(distance).all() for distance in distances)
