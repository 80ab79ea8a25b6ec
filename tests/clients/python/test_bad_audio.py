"""Unreadable audio files: errors name them, and the other files are processed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from speech_emotion import Client
from speech_emotion.errors import AudioError, AudioTooShortError

from tests.clients.python.conftest import Emotion

SOUND = np.random.default_rng(0).uniform(-0.1, 0.1, 80_000)


def content(text: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(text)


def samples(values: np.ndarray, subtype: str = "PCM_16") -> Callable[[Path], object]:
    return lambda path: soundfile.write(path, values, 8_000, subtype)


def cut(path: Path) -> None:
    subtype = "PCM_16" if path.suffix == ".flac" else "MPEG_LAYER_III"
    soundfile.write(path, SOUND, 8_000, subtype)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


CASES: dict[str, tuple[Callable[[Path], object], type[AudioError], str]] = {
    "missing.wav": (lambda _: None, AudioError, "No such file or directory"),
    "folder": (Path.mkdir, AudioError, "Is a directory"),
    "none.wav": (content(b""), AudioError, "it is empty"),
    "text.wav": (content(b"hello " * 100), AudioError, "Format not recognised"),
    "samples.raw": (content(bytes(1000)), AudioError, "not readable as audio"),
    "cut.flac": (cut, AudioError, "not readable as audio"),
    "cut.mp3": (cut, AudioError, "cut off"),
    "zero.wav": (samples(np.zeros(0)), AudioError, "empty: it contains no samples"),
    "nan.wav": (samples(np.full(8_000, np.nan), "FLOAT"), AudioError, "a sample of nan"),
    "unscaled.wav": (samples(32_768 * SOUND, "FLOAT"), AudioError, "expected floats in [-1, 1]"),
    "short.wav": (samples(np.ones(700)), AudioTooShortError, "0.087 s long; expected at least 0.1"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_is_an_error_that_names_it(name: str, client: Client, tmp_path: Path) -> None:
    file = tmp_path / name
    make, kind, message = CASES[name]
    make(file)
    for predict in (client.predict, lambda path: list(client.predict_windows(path, 5))):
        with pytest.raises(AudioError) as caught:
            predict(file)
        assert type(caught.value) is kind
        assert str(caught.value).startswith(f"{file}: ")
        assert message in str(caught.value)


@pytest.mark.parametrize("windows", [(), ("--every", "5")], ids=["whole", "windows"])
def test_the_command_names_bad_files_and_predicts_the_others(
    *, windows: tuple[str, ...], server: str, emotion: Emotion, tone: Path, tmp_path: Path
) -> None:
    bad = [tmp_path / name for name in CASES]
    for file, (make, _, _) in zip(bad, CASES.values(), strict=True):
        make(file)
    done = emotion("predict", tone, *bad, tone, "--json", *windows, "--server", server)
    found = [json.loads(line)["file"] for line in done.stdout.splitlines()]
    assert done.returncode == 8
    assert (found[0], found[-1]) == (str(tone), str(tone))
    assert all(f"emotion: {file}: " in done.stderr for file in bad)
    assert "Traceback" not in done.stderr


def test_the_first_failure_decides_the_exit_code(
    server: str, emotion: Emotion, tmp_path: Path
) -> None:
    short, missing = tmp_path / "short.wav", tmp_path / "missing.wav"
    samples(np.ones(700))(short)
    done = emotion("predict", short, missing, "--server", server)
    assert done.returncode == 9
    assert len(done.stderr.splitlines()) == 2
