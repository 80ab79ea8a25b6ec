from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from tests.training.conftest import write_tone
from training.arrays import Float32
from training.audio.sounds import held_out_sounds, training_sounds
from training.protocols.real_noise import RealNoise, real_noises

RATE = 22_050


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sounds of a quarter of a second between silences, and their list of authors."""
    (tmp_path / "credits.csv").write_text("file,author\n", encoding="utf-8")
    for index in range(5):
        path = tmp_path / f"rain-{index}.wav"
        write_tone(path, 200 + 100 * index)
        tone, _ = soundfile.read(path)
        soundfile.write(path, np.concatenate([np.zeros(RATE), tone, np.zeros(RATE)]), RATE)
    return tmp_path


@pytest.fixture(scope="module")
def speech() -> Float32:
    """A buzz between two silences."""
    buzz = 0.2 * np.sign(np.sin(np.arange(RATE) / 20))
    silence = np.zeros(RATE // 2)
    return np.concatenate([silence, buzz, silence]).astype(np.float32)


def test_no_sound_is_for_training_and_for_tests(folder: Path) -> None:
    training, tests = training_sounds(folder), held_out_sounds(folder)
    assert [path.stem[-1] for path in training] == ["0", "2", "4"]
    assert [path.stem[-1] for path in tests] == ["1", "3"]


def test_without_the_folder_there_is_no_such_condition(tmp_path: Path) -> None:
    assert real_noises(held_out_sounds(tmp_path / "nowhere")) == ()


@pytest.mark.parametrize("snr", [20, 10])
def test_the_noise_has_the_stated_level_below_the_speech(
    speech: Float32, folder: Path, snr: int
) -> None:
    """Also where the speech is longer than the sound, whose own silence does not count."""
    noisy = RealNoise(held_out_sounds(folder), snr)(speech, np.random.default_rng(0))
    part, _ = librosa.effects.trim(speech, top_db=30)
    powers = [np.mean(np.square(audio)) for audio in (part, noisy - speech)]
    assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(snr, abs=0.1)
    assert noisy.dtype == np.float32
    assert np.abs(noisy[: RATE // 2]).max() > 0


def test_a_recording_has_the_same_noise_at_every_level_and_in_every_run(
    speech: Float32, folder: Path
) -> None:
    twenty, ten = real_noises(held_out_sounds(folder))
    assert (twenty.name, ten.name) == ("real noise 20 dB", "real noise 10 dB")
    assert twenty.folder != ten.folder
    loud, quiet = (change.apply(speech, "0f") - speech for change in (ten, twenty))
    np.testing.assert_allclose(loud, 10**0.5 * quiet, atol=1e-4)
    np.testing.assert_array_equal(quiet, twenty.apply(speech, "0f") - speech)
    assert not np.allclose(quiet, twenty.apply(speech, "1e") - speech)


def test_other_sounds_are_other_features(folder: Path) -> None:
    (before, _), (after, _) = (
        real_noises(held_out_sounds(folder)),
        real_noises(training_sounds(folder)),
    )
    assert before.folder != after.folder
