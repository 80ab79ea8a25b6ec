"""The features of recordings at each sample rate agree with librosa's after soxr_hq."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from speech_emotion import Client

from tests.clients.python.conftest import Emotion

RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]


@pytest.fixture(scope="module")
def connected(server: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """One client, so that the handshake is made once."""
    return Client(server, cache=tmp_path_factory.mktemp("cache"))


def in_stereo(recording: Path, rate: int, path: Path) -> Path:
    """The recording at that rate, its second channel a little later and quieter."""
    audio, original = soundfile.read(recording, dtype="float32")
    mono = librosa.resample(audio, orig_sr=original, target_sr=rate)
    stereo = np.stack([mono, 0.7 * np.roll(mono, rate // 1_000)], axis=1)
    soundfile.write(path, stereo, rate, "FLOAT")
    return path


def mfccs(recording: Path) -> np.ndarray:
    channels, rate = soundfile.read(recording, dtype="float32")
    mono = channels.mean(axis=1)
    audio = librosa.resample(mono, orig_sr=rate, target_sr=22_050, res_type="soxr_hq")
    speech, _ = librosa.effects.trim(audio, top_db=30)
    return librosa.feature.mfcc(y=speech, sr=22_050, n_mfcc=25).T


@pytest.mark.parametrize("rate", RATES)
def test_features_at_each_rate_agree_with_librosa(
    rate: int, connected: Client, originals: list[Path], tmp_path: Path
) -> None:
    recording = in_stereo(originals[0], rate, tmp_path / "stereo.wav")
    features = connected.features(recording)
    np.testing.assert_allclose(features.frames, mfccs(recording), atol=0.01)
    np.testing.assert_allclose(features.vector, features.frames.mean(axis=0), atol=1e-3)
    assert features.prosody is not None
    assert features.prosody.shape == (len(features.frames), 3)
    assert connected._inputs.sample_rate(rate) == rate


@pytest.mark.parametrize("rate", [12_000, 37_800, 192_000])
def test_other_rates_are_resampled(
    rate: int, connected: Client, originals: list[Path], tmp_path: Path
) -> None:
    recording = in_stereo(originals[0], rate, tmp_path / "stereo.wav")
    np.testing.assert_allclose(connected.features(recording).frames, mfccs(recording), atol=0.05)


def test_windows_take_the_extractor_of_the_rate(
    connected: Client, originals: list[Path], tmp_path: Path
) -> None:
    recording = in_stereo(originals[0], 48_000, tmp_path / "stereo.wav")
    samples, _ = soundfile.read(recording, dtype="float32")
    first, *_ = connected.features_of_windows(recording, 1.5)
    soundfile.write(recording, samples[:72_000], 48_000, "FLOAT")
    np.testing.assert_allclose(first.frames, mfccs(recording), atol=0.01)
    assert (first.start, first.end) == (0.0, 1.5)


def test_the_extractor_of_version_1_may_be_the_only_one_allowed(
    server: str, emotion: Emotion, originals: list[Path], tmp_path: Path
) -> None:
    recording = in_stereo(originals[0], 48_000, tmp_path / "stereo.wav")
    first = Client(server).contract.extractor.sha256
    client = Client(server, tmp_path / "cache", first)
    found = client.features(recording)
    np.testing.assert_allclose(found.frames, mfccs(recording), atol=0.01)
    assert found.prosody is None
    assert [path.stem for path in (tmp_path / "cache").iterdir()] == [first]
    done = emotion("verify", "--extractor-sha256", first, "--server", server)
    assert done.returncode == 0, done.stderr
