"""Features other than the server's: acoustic descriptors, pooled to a vector or as an image.

A declaration of them travels with an exported system, so that a clip can be given to it.
"""

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import librosa
import msgspec
import numpy as np
from msgspec import Meta, Struct

from training.arrays import Float32
from training.audio.copies import Variant, variants
from training.features.cache import FeatureCache
from training.features.mfcc import extract_frames
from training.features.recipe import RECIPE

RATE = RECIPE.sample_rate
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


class VoiceFeatures(Struct, frozen=True, tag="voice", tag_field="shape"):
    """All that clients may send for a vector network: MFCCs, prosody, and a baseline.

    A clip alone has only the first of them here.
    """


Features = PooledFeatures | ImageFeatures | ServedFeatures | VoiceFeatures


def compute(features: Features, audio: Float32) -> Float32:
    """Audio float32 (samples,), mono at 22,050 Hz, to the features of a system.

    Returns:
        float32: a vector (F,), an image (bands, frames), or frames (T, 25).
    """
    if isinstance(features, ServedFeatures | VoiceFeatures):
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

    def variants(self) -> tuple[Variant, ...]:
        """Each of them, as the feature cache takes it."""
        return variants(self.count, self.speed, self.noise_db)


def cache_of(features: Features, directory: Path) -> FeatureCache:
    """The cache of these features, in a folder of its own."""
    digest = hashlib.sha256(msgspec.json.encode(features)).hexdigest()[:16]
    return FeatureCache(directory / digest, functools.partial(compute, features))
