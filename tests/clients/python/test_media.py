"""Recordings of phones and browsers: m4a and webm, by PyAV or ffmpeg."""

import importlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from speech_emotion import audio
from speech_emotion.errors import AudioError
from speech_emotion.media.kinds import AAC, AMR, MATROSKA, MP4, kind_of

from tests.support.missing import missing

INPUTS = audio.Inputs((16_000, 48_000), 2)
CODECS = {"m4a": ("mp4", "aac", 16_000), "webm": ("webm", "libopus", 48_000)}
HEADS = {
    b"\0\0\0\x1cftypM4A \0": MP4,
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7": MATROSKA,
    b"\xff\xf1\x50\x80\x02\x1f": AAC,
    b"#!AMR\n\x3c\x91\x17": AMR,
    b"\xff\xfb\x90\x64\0\0\0\0\0\0\0": None,  # MP3
    b"RIFF\x24\0\0\0WAVE": None,
    b"": None,
}


@pytest.mark.parametrize("head", HEADS)
def test_a_file_is_known_by_its_first_bytes(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(head)
    assert kind_of(path) == HEADS[head]


def test_without_a_decoder_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)  # as if it were not installed
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "voice.m4a"
    path.write_bytes(b"\0\0\0\x1cftypM4A \0\0\0\0")
    with pytest.raises(AudioError) as caught:
        audio.read_clip(path, INPUTS)
    assert str(caught.value) == (
        f"{path}: m4a, mp4 or 3gp, which needs PyAV or ffmpeg, and neither is installed: "
        "pip install 'speech-emotion-client[media]', or install ffmpeg"
    )


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Two seconds of a chirp at 16 kHz."""
    seconds = np.arange(32_000) / 16_000
    chirp: np.ndarray = 0.5 * np.sin(2 * np.pi * (200 + 200 * seconds) * seconds)
    return chirp


@pytest.fixture(scope="module")
def recordings(samples: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of the chirp in each format."""
    folder = tmp_path_factory.mktemp("recordings")
    soundfile.write(folder / "chirp.wav", samples, 16_000)
    found = {suffix: folder / f"chirp.{suffix}" for suffix in CODECS}
    for suffix, path in found.items():
        _encode(folder / "chirp.wav", path, *CODECS[suffix])
    return found


def _encode(source: Path, path: Path, form: str, codec: str, rate: int) -> None:
    av = pyav()
    with av.open(str(source)) as read, av.open(str(path), "w", format=form) as written:
        stream = written.add_stream(codec, rate=rate)
        stream.layout = "mono"
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 960)
        frames = [*read.decode(audio=0), None]
        packed = [out for frame in frames for out in resampler.resample(frame)]
        for frame in [*packed, None]:
            written.mux(stream.encode(frame))


def pyav() -> Any:
    """The module of PyAV."""
    try:
        return importlib.import_module("av")
    except ModuleNotFoundError:
        missing("PyAV is missing: `make .venv-dev` installs it")


@pytest.fixture(scope="module")
def ffmpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ffmpeg alone: the machine's, or that of the package imageio-ffmpeg."""
    found = shutil.which("ffmpeg")
    if found is None:
        try:
            found = importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
        except ModuleNotFoundError:
            missing("ffmpeg is missing: `make .venv-dev` installs it")
    folder = tmp_path_factory.mktemp("ffmpeg")
    (folder / "ffmpeg").symlink_to(found)
    return folder


@pytest.fixture(params=["PyAV", "ffmpeg"])
def decoder(
    request: pytest.FixtureRequest,
    recordings: object,  # PyAV makes them
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of the decoders, without the other."""
    if request.param == "ffmpeg":
        monkeypatch.setenv("PATH", str(request.getfixturevalue("ffmpeg")))
        monkeypatch.setitem(sys.modules, "av", None)


@pytest.mark.usefixtures("decoder")
@pytest.mark.parametrize("suffix", CODECS)
def test_a_recording_of_a_phone_is_read(
    suffix: str, samples: np.ndarray, recordings: dict[str, Path]
) -> None:
    clip = audio.read_clip(recordings[suffix], INPUTS)
    assert (clip.sample_rate, clip.samples.shape[1]) == (CODECS[suffix][2], 1)
    assert clip.end == pytest.approx(2, abs=0.15)  # codecs add some milliseconds
    spectrum = np.abs(np.fft.rfft(clip.samples[:, 0], 4 * clip.sample_rate))
    heard = np.average(np.arange(len(spectrum)) / 4, weights=spectrum**2)
    expected = np.average(np.arange(32_001) / 4, weights=np.abs(np.fft.rfft(samples, 64_000)) ** 2)
    assert heard == pytest.approx(expected, rel=0.02)  # Hz


@pytest.mark.usefixtures("decoder")
def test_windows_of_a_recording_of_a_phone(recordings: dict[str, Path]) -> None:
    windows = list(audio.read_windows(recordings["m4a"], INPUTS, 0.5))
    assert [window.start for window in windows[:4]] == [0.0, 0.5, 1.0, 1.5]


@pytest.mark.usefixtures("decoder")
def test_damaged_recordings_are_errors_that_name_them(
    recordings: dict[str, Path], tmp_path: Path
) -> None:
    whole = recordings["m4a"].read_bytes()
    path = tmp_path / "cut.m4a"
    for content in (whole[:3000], whole[:28] + os.urandom(2000)):
        path.write_bytes(content)
        with pytest.raises(AudioError, match=r"cut\.m4a: not readable as audio: "):
            audio.read_clip(path, INPUTS)
