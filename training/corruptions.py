"""The corruptions under which recall is measured: noise, babble, gain, telephone, room and others.

Signal-to-noise ratios refer to the RMS of the speech, the part that trimming keeps. Samples are
floating point and may leave [-1, 1]; only `clipping` clips them.

To add a corruption, write its function here and name it in `OTHERS`.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

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


Effect = Callable[[Float32, np.random.Generator], Float32]  # of mono audio, float32 (samples,)


def white_noise(audio: Float32, random: np.random.Generator, snr: int) -> Float32:
    """Adds Gaussian noise of equal power at every frequency, at `snr` decibels."""
    return _add(audio, random.standard_normal(len(audio)).astype(np.float32), snr)


def babble(
    audio: Float32, random: np.random.Generator, snr: int, voices: tuple[Path, ...]
) -> Float32:
    """Adds voices that talk at once, equally loud, each from a random moment on.

    Args:
        audio: float32 (samples,).
        random: draws the moments.
        snr: decibels, speech to the sum of the voices.
        voices: recordings, `CLIPS` of each of `VOICES` speakers.
    """
    speakers = [voices[start::VOICES] for start in range(VOICES)]
    talk = [np.concatenate([_speech(path) for path in paths]) for paths in speakers]
    starts = [int(random.integers(len(one))) for one in talk]
    total = sum(
        np.resize(np.roll(one, -start), len(audio)) for one, start in zip(talk, starts, strict=True)
    )
    return _add(audio, np.asarray(total, np.float32), snr)


def gain(audio: Float32, _random: np.random.Generator, decibels: int) -> Float32:
    """Makes the recording louder or quieter, without clipping."""
    return audio * np.float32(10 ** (decibels / 20))


def telephone(audio: Float32, _random: np.random.Generator) -> Float32:
    """Keeps 300 to 3,400 Hz, the band of a telephone line: Butterworth, order 4 at each edge."""
    edges = (300.0, 3_400.0)
    sections = butter(4, edges, "bandpass", fs=RECIPE.sample_rate, output="sos")
    return np.asarray(sosfilt(sections, audio), np.float32)


def clipping(audio: Float32, _random: np.random.Generator) -> Float32:
    """Clips the peaks at 12 dB below the highest, as an overdriven microphone does."""
    limit = np.float32(np.abs(audio).max() * 10 ** (-12.0 / 20))
    return np.clip(audio, -limit, limit)


def cut(audio: Float32, _random: np.random.Generator) -> Float32:
    """Keeps the loudest second; a shorter recording stays as it is."""
    length = RECIPE.sample_rate
    energy = np.concatenate([[0.0], np.cumsum(np.square(audio, dtype=np.float64))])
    if len(audio) <= length:
        return audio
    start = int(np.argmax(energy[length:] - energy[:-length]))
    return audio[start : start + length]


def reverberation(audio: Float32, random: np.random.Generator) -> Float32:
    """Adds a synthetic room that decays by 60 dB in 0.5 s; its direct sound is 3 dB louder."""
    return reverberate(audio, 0.5, 3.0, random)


NOISES: Mapping[str, Effect] = {
    f"white noise {snr} dB": functools.partial(white_noise, snr=snr) for snr in SNRS
}
BABBLE = {f"babble {snr} dB": snr for snr in SNRS}
OTHERS: Mapping[str, Effect] = {
    "gain +12 dB": functools.partial(gain, decibels=12),
    "gain -12 dB": functools.partial(gain, decibels=-12),
    "telephone band": telephone,
    "clipping": clipping,
    "cut to 1 s": cut,
    "reverberation": reverberation,
}
CONDITIONS = (*NOISES, *BABBLE, *OTHERS)  # their names in tables


def _add(audio: Float32, noise: Float32, snr: float) -> Float32:
    """Scales noise of any level to `snr` decibels below the speech, and adds it."""
    level = _rms(_trim(audio)) * 10 ** (-snr / 20)
    return audio + noise * np.float32(level / max(_rms(noise), 1e-9))


def _trim(audio: Float32) -> Float32:
    speech: Float32 = librosa.effects.trim(audio, top_db=RECIPE.trim_top_db)[0]
    return speech


def _rms(audio: Float32) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))


@functools.lru_cache(maxsize=4 * VOICES * CLIPS)
def _speech(path: Path) -> Float32:
    """The speech of a recording, scaled to RMS 1."""
    speech = _trim(load_audio(path))
    return speech / np.float32(_rms(speech))


@dataclass(frozen=True)
class Corruption:
    """A condition in the form that the feature cache takes (`features.cache.Change`)."""

    name: str
    effect: Effect
    voices: str = ""  # a hash of all recordings that it may draw from

    @property
    def folder(self) -> str:
        """Its folder in the feature cache; the hash is of all that the result depends on."""
        return f"{self.name.replace(' ', '-')}-{_digest(self.name, self.voices, code_digest(CODE))}"

    def apply(self, audio: Float32, content_hash: str) -> Float32:
        """Seeds the draws with the recording's hash: the noise is the same at every level."""
        return self.effect(audio, np.random.default_rng(int(content_hash, 16)))


def corruptions(content_hash: str, voices: Mapping[str, Path]) -> tuple[Corruption, ...]:
    """All conditions for one recording; its content hash seeds the choice of voices.

    Args:
        content_hash: of the recording.
        voices: the recordings that babble may be mixed from, those of the training speakers, by
            content hash.
    """
    names = sorted(voices)
    digest = _digest(*names)
    random = np.random.default_rng([int(content_hash, 16), VOICES])
    chosen = tuple(voices[name] for name in random.choice(names, VOICES * CLIPS))
    babbles = (
        Corruption(name, functools.partial(babble, snr=snr, voices=chosen), digest)
        for name, snr in BABBLE.items()
    )
    return (
        *(Corruption(*noise) for noise in NOISES.items()),
        *babbles,
        *(Corruption(*other) for other in OTHERS.items()),
    )


def _digest(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:12]
