import numpy as np
import pytest

from configuration import ROOT
from training.arrays import Float32
from training.contract.reference import as_audio, reference_samples
from training.features.recipe import RECIPE
from training.features.recordings.files import RecordingExtractor
from training.features.recordings.statistics import STATISTICS, prosody_statistics

MODEL = ROOT / "models" / f"extractor-{RECIPE.sample_rate}.onnx"
FRAMES_A_SECOND = RECIPE.sample_rate / RECIPE.hop_length


@pytest.fixture(scope="module")
def extractor() -> RecordingExtractor:
    return RecordingExtractor.load(MODEL.read_bytes())


def by_name(prosody: Float32) -> dict[str, float]:
    return dict(zip(STATISTICS, prosody_statistics(prosody).tolist(), strict=True))


def rising() -> Float32:
    """Ten frames: the first two unvoiced, then a rising pitch with a pause; a falling level."""
    octaves = np.array([0, 0, 2.0, 2.1, 2.2, 0, 2.4, 2.5, 2.6, 2.7])
    voicing = np.where(octaves > 0, 0.9, 0.1)
    level = -20.0 - 3 * np.arange(10)
    return np.stack([octaves, voicing, level], axis=1).astype(np.float32)


def test_the_statistics_of_a_rising_pitch() -> None:
    found = by_name(rising())
    pitch = np.array([2.0, 2.1, 2.2, 2.4, 2.5, 2.6, 2.7])
    assert found == pytest.approx(
        {
            "f0Percentile10": np.percentile(pitch, 10),
            "f0Percentile50": 2.4,
            "f0Percentile90": np.percentile(pitch, 90),
            "f0Deviation": pitch.std(),
            "f0Slope": 0.1 * FRAMES_A_SECOND,
            "f0Movement": 0.1,  # not across the pause
            "voicedShare": 0.7,
            "voicingMean": 0.66,
            "levelDeviation": 3 * np.arange(10).std(),
            "levelMovement": 3.0,
            "levelRange": 3 * 9 * 0.8,
            "levelSlope": -3 * FRAMES_A_SECOND,
        },
        rel=1e-5,
    )


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_without_a_voiced_frame_everything_of_the_pitch_is_0(frames: int) -> None:
    prosody = np.tile(np.array([0, 0.2, -30], np.float32), (frames, 1))
    expected = dict.fromkeys(STATISTICS, 0.0) | {"voicingMean": 0.2}
    assert by_name(prosody) == pytest.approx(expected, abs=1e-6)


def test_one_voiced_frame_has_a_pitch_and_no_slope() -> None:
    prosody = np.array([[0, 0.2, -30], [2.5, 0.8, -20], [0, 0.2, -30]], np.float32)
    found = by_name(prosody)
    assert found["f0Percentile10"] == found["f0Percentile50"] == found["f0Percentile90"] == 2.5
    assert found["f0Deviation"] == found["f0Slope"] == found["f0Movement"] == 0


def tone(samples: int) -> Float32:
    """A tone of 200 Hz that fades in."""
    seconds = np.arange(samples) / RECIPE.sample_rate
    fade = np.linspace(0.3, 1, samples)
    return (0.3 * fade * np.sin(2 * np.pi * 200 * seconds)).astype(np.float32)


AUDIO = {
    "the reference": as_audio(reference_samples()),
    "noise": np.random.default_rng(0).normal(0, 0.1, 20_000).astype(np.float32),
    "silence": np.zeros(20_000, np.float32),
    "nothing": np.zeros(0, np.float32),
    "one frame": tone(400),
    "two frames": tone(900),
    "three frames": tone(1_500),
    "60 s": tone(60 * RECIPE.sample_rate),
}


@pytest.mark.parametrize("name", AUDIO)
def test_the_graph_agrees_with_numpy(extractor: RecordingExtractor, name: str) -> None:
    features = extractor.extract(AUDIO[name][:, None])
    assert features.statistics.shape == (len(STATISTICS),)
    expected = prosody_statistics(features.prosody)
    np.testing.assert_allclose(features.statistics, expected, atol=1e-3, rtol=1e-5)
