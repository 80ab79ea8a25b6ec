"""Synthetic audio for tests, and audio files made from recordings."""

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


def load(path: Path) -> tuple[Float32, int]:
    """Mono samples and their rate in Hz."""
    channels, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return channels.mean(axis=1), rate


def write(path: Path, samples: Float32, rate: int, subtype: str | None = None) -> Path:
    soundfile.write(path, samples, rate, subtype)
    return path


def noise(seconds: float, rate: int = 22_050) -> Float32:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).astype(np.float32)


def tone(seconds: float, rate: int = 22_050) -> Float32:
    """A pure tone of 440 Hz, unlike any voice."""
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def silence(seconds: float, rate: int = 22_050) -> Float32:
    return np.zeros(round(seconds * rate), np.float32)


def several(paths: list[Path], rate: int, seconds: float) -> Float32:
    """The recordings one after another, repeated up to that length."""
    parts = [soxr.resample(samples, found, rate) for samples, found in map(load, paths)]
    return np.resize(np.concatenate(parts), round(seconds * rate))
