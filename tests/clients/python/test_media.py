"""Recordings of phones and browsers: m4a and webm, by PyAV or ffmpeg."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from speech_emotion import audio
from speech_emotion.errors import AudioError
from speech_emotion.media.kinds import AAC, AMR, MATROSKA, MP4, kind_of

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


@pytest.fixture(params=["PyAV", "ffmpeg"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of the decoders, if it is installed."""
    name: str = request.param
    if name == "PyAV" and find_spec("av") is None:
        pytest.skip("PyAV is not installed")
    if name == "ffmpeg":
        if shutil.which("ffmpeg") is None:
            pytest.skip("ffmpeg is not installed")
        monkeypatch.setitem(sys.modules, "av", None)
    return name


def encoded(suffix: str, folder: Path) -> tuple[np.ndarray, Path]:
    """Two seconds of a chirp, and their file, written by whatever decoder is installed."""
    seconds = np.arange(32_000) / 16_000
    samples = 0.5 * np.sin(2 * np.pi * (200 + 200 * seconds) * seconds)
    source, path = folder / "chirp.wav", folder / f"chirp.{suffix}"
    soundfile.write(source, samples, 16_000)
    if ffmpeg := shutil.which("ffmpeg"):
        quiet = [ffmpeg, "-loglevel", "error", "-i", str(source)]
        subprocess.run([*quiet, "-c:a", CODECS[suffix][1], str(path)], check=True)
    else:
        _encode(source, path, *CODECS[suffix])
    return samples, path


def _encode(source: Path, path: Path, form: str, codec: str, rate: int) -> None:
    av = pytest.importorskip("av")
    with av.open(str(source)) as read, av.open(str(path), "w", format=form) as written:
        stream = written.add_stream(codec, rate=rate)
        stream.layout = "mono"
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 960)
        frames = [*read.decode(audio=0), None]
        packed = [out for frame in frames for out in resampler.resample(frame)]
        for frame in [*packed, None]:
            written.mux(stream.encode(frame))


@pytest.mark.parametrize("suffix", CODECS)
def test_a_recording_of_a_phone_is_read(suffix: str, decoder: str, tmp_path: Path) -> None:
    samples, path = encoded(suffix, tmp_path)
    clip = audio.read_clip(path, INPUTS)
    assert (clip.sample_rate, clip.samples.shape[1]) == (CODECS[suffix][2], 1)
    assert clip.end == pytest.approx(2, abs=0.15)  # codecs add some milliseconds
    spectrum = np.abs(np.fft.rfft(clip.samples[:, 0], 4 * clip.sample_rate))
    heard = np.average(np.arange(len(spectrum)) / 4, weights=spectrum**2)
    expected = np.average(np.arange(32_001) / 4, weights=np.abs(np.fft.rfft(samples, 64_000)) ** 2)
    assert heard == pytest.approx(expected, rel=0.02)  # Hz


def test_windows_of_a_recording_of_a_phone(decoder: str, tmp_path: Path) -> None:
    _, path = encoded("m4a", tmp_path)
    windows = list(audio.read_windows(path, INPUTS, 0.5))
    assert [window.start for window in windows[:4]] == [0.0, 0.5, 1.0, 1.5]


def test_damaged_recordings_are_errors_that_name_them(decoder: str, tmp_path: Path) -> None:
    _, whole = encoded("m4a", tmp_path)
    path = tmp_path / "cut.m4a"
    for content in (whole.read_bytes()[:3000], whole.read_bytes()[:28] + os.urandom(2000)):
        path.write_bytes(content)
        with pytest.raises(AudioError, match=r"cut\.m4a: not readable as audio: "):
            audio.read_clip(path, INPUTS)
