"""Features other than the server's: acoustic descriptors, pooled to a vector or as an image.

A declaration of them travels with an exported system, so that a clip can be given to it.
"""

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import librosa
import msgspec
import numpy as np
from msgspec import Meta, Struct

from training.arrays import Float32
from training.audio.effects import change_speed
from training.features.loading import load_audio
from training.features.mfcc import extract_frames
from training.features.recipe import RECIPE
from training.storage.atomic_write import write_array
from training.storage.scheduling import Scheduler

RATE = RECIPE.sample_rate
NOISE_RANGE = 20.0  # dB above the least ratio
FLOOR = 1e-10  # of powers

Count = Annotated[int, Meta(ge=1)]
Decibels = Annotated[float, Meta(gt=0)]
Statistic = Literal["mean", "deviation", "minimum", "maximum", "median", "range"]
Kind = Literal["mfcc", "chroma", "mel", "log mel", "contrast", "tonnetz"]


class Part(Struct, frozen=True):
    """One kind of frames, (T, count), each of its columns pooled by each statistic."""

    of: Kind
    count: Count
    statistics: Annotated[tuple[Statistic, ...], Meta(min_length=1)] = ("mean",)


class PooledFeatures(Struct, frozen=True, tag="vector", tag_field="shape"):
    """A vector (F,): the parts one after the other."""

    parts: Annotated[tuple[Part, ...], Meta(min_length=1)]
    trim_top_db: Decibels | None = None  # silence below the loudest frame that is cut off, dB


class ImageFeatures(Struct, frozen=True, tag="image", tag_field="shape"):
    """An image (bands, frames); shorter clips are repeated, longer ones cut."""

    of: Kind
    count: Count
    frames: Count
    trim_top_db: Decibels | None = None


class ServedFeatures(Struct, frozen=True, tag="frames", tag_field="shape"):
    """The MFCC frames (T, 25) that the server's clients send."""


Features = PooledFeatures | ImageFeatures | ServedFeatures


def compute(features: Features, audio: Float32) -> Float32:
    """Audio float32 (samples,), mono at 22,050 Hz, to what a system takes of a clip.

    Returns:
        float32: a vector (F,), an image (bands, frames), or frames (T, 25).
    """
    if isinstance(features, ServedFeatures):
        return extract_frames(audio)
    if features.trim_top_db is not None:
        audio, _ = librosa.effects.trim(audio, top_db=features.trim_top_db)
    if isinstance(features, ImageFeatures):
        frames = FRAMES[features.of](audio, features.count)
        return np.ascontiguousarray(np.resize(frames, (features.frames, features.count)).T)
    return np.concatenate([_pooled(part, audio) for part in features.parts])


def _pooled(part: Part, audio: Float32) -> Float32:
    frames = FRAMES[part.of](audio, part.count)
    pooled = [STATISTICS[statistic](frames) for statistic in part.statistics]
    return np.concatenate(pooled).astype(np.float32)


def _mel(audio: Float32, count: int) -> Float32:
    power = librosa.feature.melspectrogram(y=audio, sr=RATE, n_mels=count)
    return np.asarray(power.T, np.float32)


def _log_mel(audio: Float32, count: int) -> Float32:
    decibels = 10 * np.log10(np.maximum(_mel(audio, count), FLOOR))
    return np.asarray(np.maximum(decibels, decibels.max() - 80), np.float32)


def _mfcc(audio: Float32, count: int) -> Float32:
    return np.asarray(librosa.feature.mfcc(y=audio, sr=RATE, n_mfcc=count).T, np.float32)


def _chroma(audio: Float32, count: int) -> Float32:
    # Estimating the tuning fails, with a warning, on clips without any pitch.
    chroma = librosa.feature.chroma_stft(y=audio, sr=RATE, n_chroma=count, tuning=0.0)
    return np.asarray(chroma.T, np.float32)


def _contrast(audio: Float32, count: int) -> Float32:
    contrast = librosa.feature.spectral_contrast(y=audio, sr=RATE, n_bands=count - 1)
    return np.asarray(contrast.T, np.float32)


def _tonnetz(audio: Float32, count: int) -> Float32:
    # A chromagram by Fourier transform is ten times as fast as librosa's default, a constant-Q.
    centroid = librosa.feature.tonnetz(chroma=_chroma(audio, 12).T)
    return np.asarray(centroid.T[:, :count], np.float32)


FRAMES: Mapping[Kind, Callable[[Float32, int], Float32]] = {  # to (T, count)
    "mfcc": _mfcc,
    "chroma": _chroma,
    "mel": _mel,
    "log mel": _log_mel,
    "contrast": _contrast,
    "tonnetz": _tonnetz,
}
STATISTICS: Mapping[Statistic, Callable[[Float32], Any]] = {  # (T, count) to (count,)
    "mean": functools.partial(np.mean, axis=0),
    "deviation": functools.partial(np.std, axis=0),
    "minimum": functools.partial(np.min, axis=0),
    "maximum": functools.partial(np.max, axis=0),
    "median": functools.partial(np.median, axis=0),
    "range": functools.partial(np.ptp, axis=0),
}


@dataclass(frozen=True)
class Copies:
    """Augmented copies of each training clip, at other speeds and in white noise."""

    count: int
    speed: float = 0.0  # faster or slower by up to this share: pitch and tempo together
    noise_db: float | None = None  # the least signal-to-noise ratio; drawn up to 20 dB above it

    def of(self, audio: Float32, content: str, number: int) -> Float32:
        """One copy of `audio`, the same on every machine: the recording's hash is the seed."""
        random = np.random.default_rng([int(content, 16), number])
        if self.speed:
            audio = change_speed(audio, 1 + random.uniform(-self.speed, self.speed))
        if self.noise_db is not None:
            ratio = self.noise_db + random.uniform(0, NOISE_RANGE)
            deviation = np.sqrt(np.mean(np.square(audio)) / 10 ** (ratio / 10))
            audio = audio + deviation * random.standard_normal(len(audio)).astype(np.float32)
        return np.asarray(audio, np.float32)


@dataclass(frozen=True)
class Recording:
    """A file, and the hash of its content."""

    path: Path
    content: str


@dataclass(frozen=True)
class DescriptorCache:
    """Features on disk, found by their declaration and by the recording's content."""

    directory: Path
    features: PooledFeatures | ImageFeatures
    copies: Copies | None = None

    def load(self, recordings: Sequence[Recording], scheduler: Scheduler, what: str) -> Float32:
        """Features float32 (N, 1 + copies, ...), extracted where the cache lacks them."""
        lacking = [
            recording
            for recording in recordings
            if not all(self._path(recording.content, number).exists() for number in self._numbers)
        ]
        scheduler.run(self.extract, lacking, f"{what} features", "clip")
        return np.array(
            [
                [np.load(self._path(r.content, number)) for number in self._numbers]
                for r in recordings
            ],
            np.float32,
        )

    def extract(self, recording: Recording) -> None:
        """Keeps the features of a recording and of its copies."""
        audio = load_audio(recording.path, RATE)
        for number in self._numbers:
            version = audio
            if self.copies and number:
                version = self.copies.of(audio, recording.content, number)
            path = self._path(recording.content, number)
            write_array(path, compute(self.features, version))

    @property
    def _numbers(self) -> range:
        """0 is the recording itself."""
        return range(1 + (self.copies.count if self.copies else 0))

    def _path(self, content: str, number: int) -> Path:
        declared = [self.features, asdict(self.copies) if self.copies and number else None]
        digest = hashlib.sha256(msgspec.json.encode(declared)).hexdigest()[:16]
        return self.directory / digest / str(number) / f"{content}.npy"
