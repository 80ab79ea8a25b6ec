import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from speech_emotion import audio, errors

RATE = 22_050
MONO = audio.Inputs((RATE,), most_channels=1)
RECORDINGS = audio.Inputs((8_000, 16_000, RATE, 48_000, 96_000), most_channels=2)


def noise(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.uniform(-0.5, 0.5, (round(seconds * rate), channels)).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate: int) -> Path:
    soundfile.write(path, samples, rate, "FLOAT")
    return path


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_reading_in_blocks_equals_resampling_with_librosa(rate: int, tmp_path: Path) -> None:
    samples = noise(5.0, rate, channels=2)
    clip = audio.read_clip(write(tmp_path / "noise.wav", samples, rate), MONO)
    expected = librosa.resample(samples.mean(axis=1), orig_sr=rate, target_sr=RATE)
    assert len(clip.samples) == 5 * RATE
    np.testing.assert_allclose(clip.samples[:, 0], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("rate", "channels", "expected"),
    [
        (48_000, 2, (48_000, 2)),
        (16_000, 1, (16_000, 1)),
        (44_100, 2, (48_000, 2)),  # the next higher rate
        (192_000, 1, (96_000, 1)),
        (4_000, 2, (8_000, 2)),
        (48_000, 3, (48_000, 1)),  # the average
    ],
)
def test_audio_becomes_what_an_extractor_takes(
    rate: int, channels: int, expected: tuple[int, int], tmp_path: Path
) -> None:
    samples = noise(0.5, rate, channels)
    clip = audio.read_clip(write(tmp_path / "noise.wav", samples, rate), RECORDINGS)
    assert (clip.sample_rate, clip.samples.shape[1]) == expected
    mixed = samples if channels <= 2 else samples.mean(axis=1, keepdims=True)
    wanted = librosa.resample(mixed, orig_sr=rate, target_sr=expected[0], axis=0)
    np.testing.assert_allclose(clip.samples, wanted[: len(clip.samples)], atol=1e-6)
    windows = list(audio.read_windows(tmp_path / "noise.wav", RECORDINGS, 0.2))
    np.testing.assert_array_equal(np.concatenate([w.samples for w in windows]), clip.samples)


def test_one_bad_channel_is_refused() -> None:
    samples = np.stack([np.zeros(8_000), np.full(8_000, np.nan)], axis=1)
    with pytest.raises(errors.AudioError, match="a sample of nan"):
        audio.clip_of_samples(samples, 8_000, RECORDINGS)


def test_samples_and_their_file_give_the_same_clip(tmp_path: Path) -> None:
    samples = noise(1.0, 48_000, channels=2)
    of_file = audio.read_clip(write(tmp_path / "noise.wav", samples, 48_000), MONO)
    of_samples = audio.clip_of_samples(samples.astype(np.float64), 48_000, MONO)
    np.testing.assert_allclose(of_samples.samples, of_file.samples, atol=1e-6)


@pytest.mark.parametrize(
    ("seconds", "starts", "end"),
    [
        (10.0, [0, 2, 4, 6, 8], 10.0),  # whole windows
        (11.0, [0, 2, 4, 6, 8, 10], 11.0),  # a remainder of half a window is a window
        (10.9, [0, 2, 4, 6, 8], 10.9),  # a shorter remainder extends the last window
        (1.2, [0], 1.2),  # less than a window
    ],
)
def test_windows_cover_the_recording_without_gaps(
    seconds: float, starts: list[int], end: float, tmp_path: Path
) -> None:
    path = write(tmp_path / "noise.wav", noise(seconds, 48_000), 48_000)
    windows = list(audio.read_windows(path, MONO, 2.0))
    assert [window.start for window in windows] == starts
    assert windows[-1].end == pytest.approx(end, abs=1e-3)
    whole = audio.read_clip(path, MONO)
    np.testing.assert_array_equal(np.concatenate([w.samples for w in windows]), whole.samples)


def test_windows_of_a_long_recording_take_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 8_000, 1, "PCM_16") as file:
        for _ in range(30):
            file.write(noise(60.0, 8_000))
    tracemalloc.start()
    try:
        count = sum(1 for _ in audio.read_windows(path, MONO, 10.0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 180
    assert peak < 10e6  # the whole recording is 159 MB at 22,050 Hz


def test_a_recording_over_ten_minutes_needs_windows(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(601 * 1_000), 1_000)
    with pytest.raises(errors.AudioTooLongError, match=r"long\.wav: longer than 600 s.*--every"):
        audio.read_clip(path, MONO)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(22_050, np.int16), r"int16 of shape \(22050,\); expected floats"),
        (np.zeros((2, 2, 2)), r"float64 of shape \(2, 2, 2\)"),
        (np.full(22_050, np.nan), "a sample of nan"),
        (np.zeros(0), "empty"),
        (np.zeros((0, 2)), "empty"),
    ],
)
def test_invalid_samples_are_refused(samples: np.ndarray, message: str) -> None:
    with pytest.raises(errors.AudioError, match=message):
        audio.clip_of_samples(samples, RATE, MONO)


@pytest.mark.parametrize("rate", [0, -1])
def test_an_invalid_rate_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="expected more than 0 Hz"):
        audio.clip_of_samples(np.zeros(22_050), rate, MONO)


@pytest.mark.parametrize("seconds", [0.0, 0.19, 601.0, float("nan")])
def test_invalid_window_lengths_are_refused(seconds: float, tmp_path: Path) -> None:
    path = write(tmp_path / "noise.wav", noise(1.0, RATE), RATE)
    with pytest.raises(ValueError, match=r"expected from 0\.2 to 600"):
        list(audio.read_windows(path, MONO, seconds))


def test_a_tenth_of_a_second_is_long_enough() -> None:
    assert len(audio.clip_of_samples(np.zeros(4_410), 44_100, MONO).samples) == 2_205
    with pytest.raises(errors.AudioTooShortError, match=r"0\.100 s long|0\.099"):
        audio.clip_of_samples(np.zeros(4_409), 44_100, MONO)
