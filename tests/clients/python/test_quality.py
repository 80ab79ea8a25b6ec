"""The command predicts the same as the offline pipeline of librosa and ONNX Runtime."""

import json
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile

from tests.clients.python.conftest import MODELS, Emotion
from tests.support.harness import Server
from tests.support.offline import open_network, predict

NETWORKS = ["CNN", "DNN"]


def offline(recording: Path, network: str) -> list[float]:
    channels, rate = soundfile.read(recording, dtype="float32", always_2d=True)
    audio = librosa.resample(channels.mean(axis=1), orig_sr=rate, target_sr=22050)
    speech, _ = librosa.effects.trim(audio, top_db=30)
    frames = librosa.feature.mfcc(y=speech, sr=22050, n_mfcc=25).T
    return predict(open_network(MODELS / f"{network}.onnx"), frames)


def online(emotion: Emotion, server: str, network: str, files: list[Path]) -> list[dict[str, Any]]:
    done = emotion("predict", *files, "--json", "--network", network, "--server", server)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("network", NETWORKS)
def test_originals_at_48_khz_agree_with_the_offline_pipeline(
    network: str, server_with_frames: Server, emotion: Emotion, originals: list[Path]
) -> None:
    answers = online(emotion, str(server_with_frames.client.base_url), network, originals)
    assert [answer["file"] for answer in answers] == [str(file) for file in originals]
    for recording, answer in zip(originals, answers, strict=True):
        expected = offline(recording, network)
        found = list(answer["probabilities"].values())
        assert np.argmax(found) == np.argmax(expected)
        assert found == pytest.approx(expected, abs=0.01)
        assert answer["emotion"] == sorted(answer["probabilities"])[np.argmax(expected)]


@pytest.mark.parametrize(
    ("suffix", "subtype", "rate", "channels"),
    [
        ("flac", "PCM_24", 48_000, 1),
        ("wav", "FLOAT", 96_000, 1),
        ("wav", "PCM_24", 44_100, 2),  # to round to 16 bits again adds noise
        ("aiff", "PCM_16", 48_000, 6),
        ("au", "PCM_32", 22_050, 1),
    ],
)
def test_format_rate_and_channels_do_not_change_the_answer(
    *,
    suffix: str,
    subtype: str,
    rate: int,
    channels: int,
    server: str,
    emotion: Emotion,
    originals: list[Path],
    tmp_path: Path,
) -> None:
    audio, original_rate = soundfile.read(originals[0], dtype="float32")
    samples = librosa.resample(audio, orig_sr=original_rate, target_sr=rate)
    file = tmp_path / f"copy.{suffix}"
    soundfile.write(file, np.stack([samples] * channels, axis=1), rate, subtype)
    before, after = online(emotion, server, "CNN", [originals[0], file])
    assert after["probabilities"] == pytest.approx(before["probabilities"], abs=0.01)


@pytest.mark.parametrize(("suffix", "subtype"), [("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III")])
def test_lossy_formats_are_read(
    *,
    suffix: str,
    subtype: str,
    server: str,
    emotion: Emotion,
    originals: list[Path],
    tmp_path: Path,
) -> None:
    audio, rate = soundfile.read(originals[0], dtype="float32")
    file = tmp_path / f"copy.{suffix}"
    soundfile.write(file, audio, rate, subtype)
    (answer,) = online(emotion, server, "CNN", [file])
    assert answer["end"] == pytest.approx(len(audio) / rate, abs=0.1)
