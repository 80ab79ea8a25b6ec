"""The corruptions under which recall is measured: noise, babble, gain, telephone, room and others.

Signal-to-noise ratios refer to the RMS of the speech, the part that trimming keeps. Samples are
floating point and may leave [-1, 1]; only `Clipping` clips them.

To add a corruption, write its class here and add an instance to `OTHERS`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Protocol

import librosa
import numpy as np
from scipy.signal import butter, sosfilt

from training.arrays import Float32
from training.audio.effects import reverberate
from training.features.loading import load_audio
from training.features.recipe import RECIPE
from training.storage.code_digest import code_digest

CODE = (__name__, "training.audio.effects")
SNRS = (20, 10, 0)  # decibels, speech to noise
VOICES = 6  # speakers that talk at once in babble
CLIPS = 3  # of each of them, one after the other


class Condition(Protocol):
    """A corruption of audio float32 (samples,), mono at the recipe's sample rate."""

    @property
    def name(self) -> str:
        """Its name in tables, such as `white noise 20 dB`."""
        ...

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """The corrupted audio."""
        ...


@dataclass(frozen=True)
class WhiteNoise:
    """Adds Gaussian noise of equal power at every frequency."""

    snr: int  # decibels

    @property
    def name(self) -> str:
        """Its name in tables."""
        return f"white noise {self.snr} dB"

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """Draws the noise and adds it."""
        return _add(audio, random.standard_normal(len(audio)).astype(np.float32), self.snr)


@dataclass(frozen=True)
class Babble:
    """Adds several voices that talk at once, equally loud."""

    snr: int  # decibels
    voices: tuple[Path, ...]  # recordings, `CLIPS` of each of `VOICES` speakers

    @property
    def name(self) -> str:
        """Its name in tables."""
        return f"babble {self.snr} dB"

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """Starts each voice at a random place and adds their sum."""
        speakers = [self.voices[start::VOICES] for start in range(VOICES)]
        talk = [np.concatenate([_speech(path) for path in paths]) for paths in speakers]
        starts = [int(random.integers(len(one))) for one in talk]
        babble = sum(
            np.resize(np.roll(one, -start), len(audio))
            for one, start in zip(talk, starts, strict=True)
        )
        return _add(audio, np.asarray(babble, np.float32), self.snr)


@dataclass(frozen=True)
class Gain:
    """Makes the recording louder or quieter."""

    decibels: int

    @property
    def name(self) -> str:
        """Its name in tables."""
        return f"gain {self.decibels:+d} dB"

    def apply(self, audio: Float32, _random: np.random.Generator) -> Float32:
        """Multiplies every sample, without clipping."""
        return audio * np.float32(10 ** (self.decibels / 20))


@dataclass(frozen=True)
class Telephone:
    """Limits the band to that of a telephone line: Butterworth, order 4 at each edge."""

    low: float = 300.0  # Hz
    high: float = 3_400.0  # Hz
    name: str = "telephone band"

    def apply(self, audio: Float32, _random: np.random.Generator) -> Float32:
        """Filters the recording."""
        edges = (self.low, self.high)
        sections = butter(4, edges, "bandpass", fs=RECIPE.sample_rate, output="sos")
        return np.asarray(sosfilt(sections, audio), np.float32)


@dataclass(frozen=True)
class Clipping:
    """Clips the peaks, as an overdriven microphone does."""

    overdrive: float = 12.0  # decibels by which the peak exceeds the range
    name: str = "clipping"

    def apply(self, audio: Float32, _random: np.random.Generator) -> Float32:
        """Clips at the level of the peak less the overdrive."""
        limit = np.float32(np.abs(audio).max() * 10 ** (-self.overdrive / 20))
        return np.clip(audio, -limit, limit)


@dataclass(frozen=True)
class Cut:
    """Keeps only the loudest stretch of the recording."""

    seconds: float = 1.0
    name: str = "cut to 1 s"

    def apply(self, audio: Float32, _random: np.random.Generator) -> Float32:
        """Cuts the recording; a shorter one stays as it is."""
        length = round(self.seconds * RECIPE.sample_rate)
        energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])
        if len(audio) <= length:
            return audio
        start = int(np.argmax(energy[length:] - energy[:-length]))
        return audio[start : start + length]


@dataclass(frozen=True)
class Reverberation:
    """Adds the reverberation of a synthetic room."""

    t60: float = 0.5  # seconds in which it decays by 60 dB
    direct_to_reverberant: float = 3.0  # decibels
    name: str = "reverberation"

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """Draws the room; the recording becomes longer by a third of `t60`."""
        return reverberate(audio, self.t60, self.direct_to_reverberant, random)


NOISES = tuple(WhiteNoise(snr) for snr in SNRS)
OTHERS: tuple[Condition, ...] = (
    Gain(12),
    Gain(-12),
    Telephone(),
    Clipping(),
    Cut(),
    Reverberation(),
)
CONDITIONS = (
    *(condition.name for condition in NOISES),
    *(Babble(snr, ()).name for snr in SNRS),
    *(condition.name for condition in OTHERS),
)


def _add(audio: Float32, noise: Float32, snr: float) -> Float32:
    """Scales noise of any level to `snr` decibels below the speech, and adds it."""
    level = _rms(_trim(audio)) * 10 ** (-snr / 20)
    return audio + noise * np.float32(level / max(_rms(noise), 1e-9))


def _trim(audio: Float32) -> Float32:
    speech: Float32 = librosa.effects.trim(audio, top_db=RECIPE.trim_top_db)[0]
    return speech


def _rms(audio: Float32) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))


@lru_cache(maxsize=4 * VOICES * CLIPS)
def _speech(path: Path) -> Float32:
    """The speech of a recording, scaled to RMS 1."""
    speech = _trim(load_audio(path))
    return speech / np.float32(_rms(speech))


@dataclass(frozen=True)
class Corruption:
    """A condition in the form that the feature cache takes (`features.cache.Change`)."""

    condition: Condition
    digest: str  # of everything that its result depends on, apart from the recording

    @property
    def folder(self) -> str:
        """Its folder in the feature cache."""
        return f"{self.condition.name.replace(' ', '-')}-{self.digest}"

    def apply(self, audio: Float32, content_hash: str) -> Float32:
        """Seeds the draws with the recording's hash: the noise is the same at every level."""
        return self.condition.apply(audio, np.random.default_rng(int(content_hash, 16)))


@dataclass(frozen=True)
class BabbleSpeakers:
    """The recordings that babble may be mixed from: those of the training speakers."""

    paths: Mapping[str, Path]  # by content hash

    @cached_property
    def digest(self) -> str:
        """A short hash of all of them."""
        return _digest([sorted(self.paths), VOICES, CLIPS])

    def conditions(self, content_hash: str) -> tuple[Corruption, ...]:
        """All conditions; the content hash of the recording seeds the choice of voices."""
        random = np.random.default_rng([int(content_hash, 16), VOICES])
        chosen = random.choice(sorted(self.paths), VOICES * CLIPS)
        voices = tuple(self.paths[voice] for voice in chosen)
        babble = (Corruption(Babble(snr, voices), self.digest) for snr in SNRS)
        return (*map(_fixed, NOISES), *babble, *map(_fixed, OTHERS))


def _fixed(condition: Condition) -> Corruption:
    """A condition that depends on no other recordings."""
    return Corruption(condition, _digest(repr(condition)))


def _digest(value: object) -> str:
    text = json.dumps([value, code_digest(CODE)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
