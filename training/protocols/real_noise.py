"""Recorded sounds, such as rain or a crying baby, behind the speech."""

import functools
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np

from training.arrays import Float32
from training.corruptions import Corruption
from training.features.cache import hash_content
from training.features.loading import load_audio
from training.features.recipe import RECIPE
from training.storage.code_digest import code_digest

SNRS = (20, 10)  # decibels, speech to noise
CONDITIONS = tuple(f"real noise {snr} dB" for snr in SNRS)


@dataclass(frozen=True)
class RealNoise:
    """An effect: adds one of the sounds, drawn at random and repeated from a random moment on."""

    sounds: tuple[Path, ...]
    snr: int  # decibels, RMS of the speech to that of the sound, both without silent ends

    def __call__(self, audio: Float32, random: np.random.Generator) -> Float32:
        """Of mono audio, float32 (samples,)."""
        sound = _without_silence(self.sounds[int(random.integers(len(self.sounds)))])
        start = int(random.integers(len(sound)))
        noise = np.resize(np.roll(sound, -start), len(audio))
        level = _rms(_trim(audio)) * 10 ** (-self.snr / 20)
        return audio + noise * np.float32(level / max(_rms(noise), 1e-9))


def real_noises(sounds: tuple[Path, ...]) -> tuple[Corruption, ...]:
    """A condition at each level; none without sounds."""
    if not sounds:
        return ()
    digest = "-".join([code_digest((__name__,)), *map(hash_content, sounds)])
    return tuple(
        Corruption(name, RealNoise(sounds, snr), digest)
        for name, snr in zip(CONDITIONS, SNRS, strict=True)
    )


@functools.cache
def _without_silence(path: Path) -> Float32:
    return _trim(load_audio(path))


def _trim(audio: Float32) -> Float32:
    part: Float32 = librosa.effects.trim(audio, top_db=RECIPE.trim_top_db)[0]
    return part


def _rms(audio: Float32) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))
