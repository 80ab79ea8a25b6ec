"""What a recording becomes in worse places: the conditions that recall is measured under.

Noise is measured against the RMS of the speech, the part that trimming leaves. Nothing is clipped
but where clipping is the condition: samples are floating point and may leave [-1, 1].
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
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
VOICES = 6  # that talk at once in babble
CLIPS = 3  # of each of them, one after the other


class Condition(Protocol):
    """One way in which audio gets worse, on float32 (samples,), mono at the recipe's rate."""

    @property
    def name(self) -> str:
        """For people, such as `white noise 20 dB`."""
        ...

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """What a microphone there would have recorded."""
        ...


@dataclass(frozen=True)
class WhiteNoise:
    """Gaussian, of equal power at every frequency."""

    snr: int  # decibels

    @property
    def name(self) -> str:
        """For people."""
        return f"white noise {self.snr} dB"

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """Adds the noise."""
        return _add(audio, random.standard_normal(len(audio)).astype(np.float32), self.snr)


@dataclass(frozen=True)
class Babble:
    """Several voices that talk at once, equally loud."""

    snr: int  # decibels
    voices: tuple[Path, ...]  # recordings, `CLIPS` of each of `VOICES` talkers

    @property
    def name(self) -> str:
        """For people."""
        return f"babble {self.snr} dB"

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """Adds the babble."""
        talkers = [self.voices[start::VOICES] for start in range(VOICES)]
        talk = [np.concatenate([_speech(path) for path in paths]) for paths in talkers]
        starts = [int(random.integers(len(one))) for one in talk]
        babble = sum(
            np.resize(np.roll(one, -start), len(audio))
            for one, start in zip(talk, starts, strict=True)
        )
        return _add(audio, np.asarray(babble, np.float32), self.snr)


@dataclass(frozen=True)
class Gain:
    """Louder or quieter."""

    decibels: int

    @property
    def name(self) -> str:
        """For people."""
        return f"gain {self.decibels:+d} dB"

    def apply(self, audio: Float32, _random: np.random.Generator) -> Float32:
        """Multiplies every sample; what leaves [-1, 1] is kept."""
        return audio * np.float32(10 ** (self.decibels / 20))


@dataclass(frozen=True)
class Telephone:
    """The band of a telephone line: a Butterworth filter of order 4 at each edge."""

    low: float = 300.0  # Hz
    high: float = 3_400.0  # Hz
    name: str = "telephone band"

    def apply(self, audio: Float32, _random: np.random.Generator) -> Float32:
        """Filters."""
        edges = (self.low, self.high)
        sections = butter(4, edges, "bandpass", fs=RECIPE.sample_rate, output="sos")
        return np.asarray(sosfilt(sections, audio), np.float32)


@dataclass(frozen=True)
class Clipping:
    """A microphone that is driven too hard: so much above its range, cut off there."""

    overdrive: float = 12.0  # decibels
    name: str = "clipping"

    def apply(self, audio: Float32, _random: np.random.Generator) -> Float32:
        """The peak keeps its level divided by the overdrive."""
        limit = np.float32(np.abs(audio).max() * 10 ** (-self.overdrive / 20))
        return np.clip(audio, -limit, limit)


@dataclass(frozen=True)
class Cut:
    """The loudest stretch of the clip alone."""

    seconds: float = 1.0
    name: str = "cut to 1 s"

    def apply(self, audio: Float32, _random: np.random.Generator) -> Float32:
        """What is shorter stays as it is."""
        length = round(self.seconds * RECIPE.sample_rate)
        energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])
        if len(audio) <= length:
            return audio
        start = int(np.argmax(energy[length:] - energy[:-length]))
        return audio[start : start + length]


@dataclass(frozen=True)
class Reverberation:
    """A synthetic room: noise that decays exponentially after the direct sound (Moorer 1979)."""

    t60: float = 0.5  # seconds in which it falls by 60 dB
    direct_to_reverberant: float = 3.0  # decibels
    name: str = "reverberation"

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """Convolves with the room's response; a third of its tail goes on after the clip."""
        return reverberate(audio, self.t60, self.direct_to_reverberant, random)


Simple = WhiteNoise | Gain | Telephone | Clipping | Cut | Reverberation
NOISES = tuple(WhiteNoise(snr) for snr in SNRS)
OTHERS: tuple[Simple, ...] = (
    Gain(12),
    Gain(-12),
    Telephone(),
    Clipping(),
    Cut(),
    Reverberation(),
)


def _add(audio: Float32, noise: Float32, snr: float) -> Float32:
    """Noise of any level at `snr` decibels below the speech."""
    level = _rms(_trim(audio)) * 10 ** (-snr / 20)
    return audio + noise * np.float32(level / max(_rms(noise), 1e-9))


def _trim(audio: Float32) -> Float32:
    speech: Float32 = librosa.effects.trim(audio, top_db=RECIPE.trim_top_db)[0]
    return speech


def _rms(audio: Float32) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))


@lru_cache(maxsize=4 * VOICES * CLIPS)
def _speech(path: Path) -> Float32:
    """The speech of a recording at RMS 1."""
    speech = _trim(load_audio(path))
    return speech / np.float32(_rms(speech))


@dataclass(frozen=True)
class Corruption:
    """A condition as a change of recordings, for the feature cache."""

    condition: Condition
    digest: str  # of all that decides what it does

    @property
    def folder(self) -> str:
        """Its folder in the feature cache."""
        return f"{self.condition.name.replace(' ', '-')}-{self.digest}"

    def apply(self, audio: Float32, content: str) -> Float32:
        """The same noise at every level, another for every recording."""
        return self.condition.apply(audio, np.random.default_rng(int(content, 16)))


@dataclass(frozen=True)
class BabbleSpeakers:
    """The recordings that babble may be made of: of training speakers alone."""

    paths: Mapping[str, Path]  # by the hash of their content

    @cached_property
    def digest(self) -> str:
        """A short hash of them all."""
        return _digest([sorted(self.paths), VOICES, CLIPS])

    def conditions(self, content: str) -> tuple[Corruption, ...]:
        """Every condition, for the recording with this hash, which decides who talks."""
        random = np.random.default_rng([int(content, 16), VOICES])
        chosen = random.choice(sorted(self.paths), VOICES * CLIPS)
        voices = tuple(self.paths[voice] for voice in chosen)
        babble = (Corruption(Babble(snr, voices), self.digest) for snr in SNRS)
        return (*map(_fixed, NOISES), *babble, *map(_fixed, OTHERS))


CONDITIONS = (
    *(condition.name for condition in NOISES),
    *(Babble(snr, ()).name for snr in SNRS),
    *(condition.name for condition in OTHERS),
)


def _fixed(condition: Simple) -> Corruption:
    return Corruption(condition, _digest([type(condition).__name__, asdict(condition)]))


def _digest(value: object) -> str:
    text = json.dumps([value, code_digest(CODE)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
