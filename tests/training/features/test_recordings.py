from pathlib import Path

import librosa
import numpy as np
import onnx
import onnxruntime
import pytest
import soxr

from configuration import ROOT
from training.arrays import Float32
from training.corpora.ravdess import RAVDESS
from training.corpora.reader import read_corpus
from training.export.session import single_threaded
from training.features.loading import load_audio
from training.features.mfcc import extract_frames
from training.features.prosody import extract_prosody
from training.features.recipe import RECIPE
from training.features.recording_graph import recording_graph
from training.features.resampling import RATES, STAGES, resample

MAXIMUM_BYTES = 2_000_000  # all files together
OTHER_RATES = sorted(STAGES)


@pytest.fixture(scope="module")
def files() -> dict[int, bytes]:
    return {rate: recording_graph(rate).SerializeToString() for rate in RATES}


@pytest.fixture(scope="module")
def sessions(files: dict[int, bytes]) -> dict[int, onnxruntime.InferenceSession]:
    return {rate: single_threaded(file) for rate, file in files.items()}


@pytest.fixture(scope="module")
def speech(ravdess: Path) -> list[Float32]:
    """The reference clip and three recordings, at the recipe's rate."""
    paths = [utterance.path for utterance in read_corpus(ravdess, RAVDESS).utterances[::400][:3]]
    return [load_audio(path) for path in (ROOT / "models" / "reference.wav", *paths)]


def resampled(audio: Float32, source: int, target: int) -> Float32:
    """By librosa, as in training."""
    if source == target:
        return audio
    return librosa.resample(audio, orig_sr=source, target_sr=target, res_type="soxr_hq")


def spread(audio: Float32, channels: int) -> Float32:
    """One channel, or two of which the second is softer and later: (samples, channels)."""
    return np.stack([audio, 0.5 * np.roll(audio, 5)], axis=1)[:, :channels].astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
def test_the_graph_agrees_with_librosa_at_every_rate(
    sessions: dict[int, onnxruntime.InferenceSession],
    speech: list[Float32],
    rate: int,
    channels: int,
) -> None:
    for clip in speech:
        recording = spread(resampled(clip, RECIPE.sample_rate, rate), channels)
        audio = resampled(recording.mean(axis=1), rate, RECIPE.sample_rate)
        frames, mfccs, prosody, _ = sessions[rate].run(None, {"audio": recording})
        expected = extract_frames(audio)
        np.testing.assert_allclose(frames, expected, atol=0.01)
        np.testing.assert_allclose(mfccs, expected.mean(axis=0), atol=0.01)
        differs = np.abs(prosody - extract_prosody(audio)).max(axis=1) > 0.01
        assert differs.mean() <= 0.02


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("rate", RATES)
def test_the_graph_takes_short_recordings(
    sessions: dict[int, onnxruntime.InferenceSession], rate: int
) -> None:
    for samples in (0, 1, 100, rate // 10):
        noise = np.random.default_rng(0).normal(0, 0.1, (samples, 1)).astype(np.float32)
        frames, _, prosody, _ = sessions[rate].run(None, {"audio": noise})
        expected = -(-samples * RECIPE.sample_rate // rate) // RECIPE.hop_length + 1
        assert len(frames) == len(prosody) == expected
        assert np.isfinite(frames).all()


@pytest.mark.parametrize("rate", OTHER_RATES)
def test_the_filter_is_that_of_soxr(rate: int) -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, rate // 4).astype(np.float32)
    expected = soxr.resample(audio, rate, RECIPE.sample_rate, "HQ")
    actual = resample(audio, rate)
    np.testing.assert_allclose(actual[: len(expected)], expected, atol=2e-5)


@pytest.mark.parametrize("rate", OTHER_RATES)
def test_the_graph_applies_the_filter(
    sessions: dict[int, onnxruntime.InferenceSession], rate: int
) -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, rate).astype(np.float32)
    frames, *_ = sessions[rate].run(None, {"audio": audio[:, None]})
    expected = extract_frames(resample(audio, rate))
    np.testing.assert_allclose(frames, expected, atol=0.005)


def test_the_files_are_small_and_use_standard_operators_only(files: dict[int, bytes]) -> None:
    assert sum(map(len, files.values())) <= MAXIMUM_BYTES
    for file in files.values():
        model = onnx.load_from_string(file)
        assert [(item.domain, item.version) for item in model.opset_import] == [("", 17)]
        assert not model.functions


def test_another_rate_is_refused() -> None:
    with pytest.raises(KeyError, match="12345"):
        recording_graph(12_345)
