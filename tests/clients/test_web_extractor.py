"""The extractor in onnxruntime-web, run in Node and compared with librosa.

ALL_CLIPS=1 compares every clip of the corpus, not every sixth.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from server.settings import load_settings
from tests.support.models.shipped import metadata_of
from tests.support.sounds import noise
from tests.support.web.driver import WebError, WebModule, run_web_module
from training.arrays import Float32
from training.corpora.ravdess import RAVDESS
from training.corpora.reader import read_corpus

RATE = 22_050
RECIPE = {"sampleRate": RATE, "hopLength": 512, "nMfcc": 25}
FRAMES_TOLERANCE = 0.02
VECTOR_TOLERANCE = 0.01
EVERY = 1 if os.environ.get("ALL_CLIPS") else 6


def extractor_path() -> Path:
    return load_settings().models.directory / "mfcc.onnx"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebModule]:
    with run_web_module(tmp_path_factory.mktemp("web")) as module:
        module.call("load", model=str(extractor_path()), recipe=RECIPE)
        yield module


def one_click() -> Float32:
    samples = np.zeros(RATE, np.float32)
    samples[RATE // 2] = 1
    return samples


def square_wave(rate: int = RATE) -> Float32:
    period = rate // 100
    return np.where(np.arange(rate) % period < period // 2, 1, -1).astype(np.float32)


def pause_and_burst() -> Float32:
    """The pauses are 40 dB below the burst, so they are trimmed."""
    return noise(3) * np.repeat(np.array([0.01, 1, 0.01], np.float32), RATE)


EDGES: dict[str, Callable[[], Float32]] = {
    "0.1 s": lambda: noise(0.1),
    "60 s": lambda: noise(60),
    "digital silence": lambda: np.zeros(RATE, np.float32),
    "noise under the floor of decibels": lambda: noise(1) * np.float32(1e-6),
    "one click": one_click,
    "full-scale square wave": square_wave,
    "direct current": lambda: np.full(RATE, 0.5, np.float32),
    "a pause on both sides": pause_and_burst,
}


def load(path: Path) -> Float32:
    """A file of any rate, mono or stereo, as mono audio at `RATE`."""
    channels, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return librosa.resample(channels.mean(axis=1), orig_sr=rate, target_sr=RATE)


def librosa_frames(audio: Float32) -> Float32:
    speech, _ = librosa.effects.trim(audio, top_db=30)
    frames: Float32 = librosa.feature.mfcc(y=speech, sr=RATE, n_mfcc=25).T
    return frames


def differences(web: WebModule, audio: Float32) -> tuple[float, float]:
    """The largest differences from librosa: of the frames and of the vector."""
    frames, mfccs = web.extract(audio)
    expected = librosa_frames(audio)
    assert frames.shape == expected.shape
    return np.abs(frames - expected).max(), np.abs(mfccs - expected.mean(axis=0)).max()


def assert_agrees(web: WebModule, audio: Float32) -> None:
    frames, vector = differences(web, audio)
    assert frames <= FRAMES_TOLERANCE
    assert vector <= VECTOR_TOLERANCE


def test_clips_of_the_corpus_agree_with_librosa(web: WebModule, ravdess: Path) -> None:
    clips = [utterance.path for utterance in read_corpus(ravdess, RAVDESS).utterances][::EVERY]
    found = np.array([differences(web, load(clip)) for clip in clips])
    frames, vector = found.max(axis=0)
    print(f"{len(clips)} clips: frames within {frames:.5f}, vectors within {vector:.5f}")
    assert frames <= FRAMES_TOLERANCE, clips[found[:, 0].argmax()]
    assert vector <= VECTOR_TOLERANCE, clips[found[:, 1].argmax()]


@pytest.mark.parametrize("name", EDGES)
def test_edge_cases_agree_with_librosa(web: WebModule, name: str) -> None:
    assert_agrees(web, EDGES[name]())


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_files_of_other_rates_agree_with_librosa(web: WebModule, tmp_path: Path, rate: int) -> None:
    path = tmp_path / "resampled.wav"
    speech_like = noise(1, rate) * np.hanning(rate).astype(np.float32)
    soundfile.write(path, np.concatenate([speech_like, square_wave(rate)]), rate)
    assert_agrees(web, load(path))


def test_stereo_mixed_to_mono_agrees_with_librosa(web: WebModule, tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([noise(1), square_wave()], axis=1), RATE)
    assert_agrees(web, load(path))


def test_the_sample_rate_is_that_of_the_recipe() -> None:
    metadata = metadata_of(extractor_path())
    assert json.loads(metadata["recipe"])["sampleRate"] == RATE


def test_extracts_again_after_a_failure(web: WebModule) -> None:
    with pytest.raises(WebError, match="AudioTooShortError"):
        web.extract(noise(0.05))
    assert_agrees(web, noise(0.5))


@pytest.mark.parametrize("seconds", [0.05, 0])
def test_refuses_audio_under_a_tenth_of_a_second(web: WebModule, seconds: float) -> None:
    message = re.escape(f"AudioTooShortError: The audio is {seconds:.3f} s long")
    with pytest.raises(WebError, match=message):
        web.extract(noise(seconds))


def test_refuses_samples_in_the_range_of_integers(web: WebModule) -> None:
    with pytest.raises(WebError, match=r"AudioError: Sample \d+ is .*divided by 32768"):
        web.extract(noise(1) * np.float32(32_768))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_samples_that_are_not_finite(web: WebModule, value: float) -> None:
    audio = noise(1)
    audio[7] = value
    with pytest.raises(WebError, match=r"AudioError: Sample 7 is -?(NaN|Infinity)"):
        web.extract(audio)


def test_refuses_a_file_that_is_not_a_model(web: WebModule, tmp_path: Path) -> None:
    model = tmp_path / "mfcc.onnx"
    model.write_bytes(b"no model")
    with pytest.raises(WebError, match="ExtractorError: The extractor cannot be started"):
        web.call("load", model=str(model), recipe=RECIPE)
    assert_agrees(web, noise(0.5))
