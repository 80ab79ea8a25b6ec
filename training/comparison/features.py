"""The features that recipes declare, of clips and of augmented copies of them, with a cache."""

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import librosa
import msgspec
import numpy as np

from training.arrays import Float32
from training.audio.effects import change_speed
from training.comparison.declaration import (
    Augmentation,
    Features,
    ImageFeatures,
    Kind,
    Part,
    PooledFeatures,
    ServedFeatures,
    Statistic,
)
from training.features.loading import load_audio
from training.features.mfcc import extract_frames
from training.features.recipe import RECIPE
from training.storage.atomic_write import atomic_write
from training.storage.scheduling import Scheduler

RATE = RECIPE.sample_rate
NOISE_RANGE = 20.0  # dB above the least ratio
FLOOR = 1e-10  # of powers


def compute(features: Features, audio: Float32) -> Float32:
    """Audio float32 (samples,), mono at 22,050 Hz, to what the recipe's models take.

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
    # A tuning that is estimated fails, with a warning, on clips without any pitch.
    chroma = librosa.feature.chroma_stft(y=audio, sr=RATE, n_chroma=count, tuning=0.0)
    return np.asarray(chroma.T, np.float32)


def _contrast(audio: Float32, count: int) -> Float32:
    contrast = librosa.feature.spectral_contrast(y=audio, sr=RATE, n_bands=count - 1)
    return np.asarray(contrast.T, np.float32)


def _tonnetz(audio: Float32, count: int) -> Float32:
    # Of a chromagram by Fourier transform: ten times as fast as librosa's default, a constant-Q.
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


def augmented(augmentation: Augmentation, audio: Float32, content: str, copy: int) -> Float32:
    """One copy of `audio`, the same on every machine: the recording's hash seeds what is drawn."""
    random = np.random.default_rng([int(content, 16), copy])
    if augmentation.speed:
        audio = change_speed(audio, 1 + random.uniform(-augmentation.speed, augmentation.speed))
    if augmentation.noise_db is not None:
        ratio = augmentation.noise_db + random.uniform(0, NOISE_RANGE)
        deviation = np.sqrt(np.mean(np.square(audio)) / 10 ** (ratio / 10))
        audio = audio + deviation * random.standard_normal(len(audio)).astype(np.float32)
    return np.asarray(audio, np.float32)


@dataclass(frozen=True)
class Recording:
    """A file, and the hash of its content."""

    path: Path
    content: str


@dataclass(frozen=True)
class FeatureStore:
    """The features of one recipe on disk, by what is declared and by the recording's content."""

    directory: Path
    features: PooledFeatures | ImageFeatures
    augmentation: Augmentation | None

    def _path(self, content: str, copy: int) -> Path:
        declared = [self.features, self.augmentation if copy else None]
        digest = hashlib.sha256(msgspec.json.encode(declared)).hexdigest()[:16]
        return self.directory / digest / str(copy) / f"{content}.npy"

    @property
    def _copies(self) -> range:
        """0 is the recording itself."""
        return range(1 + (self.augmentation.copies if self.augmentation else 0))

    def load(self, recordings: Sequence[Recording], scheduler: Scheduler, what: str) -> Float32:
        """Features float32 (N, 1 + copies, ...), extracted where the store lacks them."""
        lacking = [
            recording
            for recording in recordings
            if not all(self._path(recording.content, copy).exists() for copy in self._copies)
        ]
        scheduler.run(self.extract, lacking, f"{what} features", "clip")
        return np.array(
            [[np.load(self._path(r.content, c)) for c in self._copies] for r in recordings],
            np.float32,
        )

    def extract(self, recording: Recording) -> None:
        """Keeps the features of a recording and of its copies."""
        audio = load_audio(recording.path, RATE)
        for copy in self._copies:
            version = audio
            if self.augmentation and copy:
                version = augmented(self.augmentation, audio, recording.content, copy)
            with (
                atomic_write(self._path(recording.content, copy)) as part,
                part.open("wb") as file,
            ):
                np.save(file, compute(self.features, version))
