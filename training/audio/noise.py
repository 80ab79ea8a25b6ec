"""White noise, coloured noise, babble and recorded noise as mel powers of a given power."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from training.arrays import Float32
from training.audio.mel import (
    MELS,
    band_widths,
    cepstral_basis,
    mel_frequencies,
    powers,
    spectrum,
    trimmed,
)
from training.audio.real_noise import RealNoises
from training.audio.spectra import VARIANTS, Spectra
from training.features.recipe import RECIPE

NOISE_SECONDS = 60


@dataclass(frozen=True)
class NoiseSettings:
    """How often each kind of noise is drawn, and ranges of uniform draws."""

    white_share: float = 0.15
    coloured_share: float = 0.1
    babble_share: float = 0.1
    real_share: float = 0.2
    snr: tuple[float, float] = (5.0, 32.0)  # decibels, speech part to noise
    tilt: tuple[float, float] = (0.0, 2.0)  # power ~ 1 / f^tilt: 1 is pink, 2 is brown
    colour: float = 4.0  # decibels, standard deviation of a smooth random filter
    voices: tuple[int, int] = (3, 8)


@cache
def white_noise() -> Float32:
    """Mel powers (T, 128) of a minute of white noise of unit variance."""
    noise = np.random.default_rng(0).standard_normal(NOISE_SECONDS * RECIPE.sample_rate)
    return powers(spectrum(noise.astype(np.float32))[:, 1:])


@dataclass(frozen=True)
class Noises:
    """Draws noises; babble is mixed from the utterances that are trained on."""

    settings: NoiseSettings
    voices: Sequence[Spectra]
    real: RealNoises
    random: np.random.Generator

    def draw(self) -> tuple[str, float]:
        """A kind of noise, "" for none, and its power relative to the speech."""
        settings, draw = self.settings, self.random.random()
        shares = {
            "white": settings.white_share,
            "coloured": settings.coloured_share,
            "babble": settings.babble_share,
            "real": settings.real_share if self.real.paths else 0.0,
        }
        for kind, share in shares.items():
            if draw < share:
                return kind, 10 ** (-self.random.uniform(*settings.snr) / 10)
            draw -= share
        return "", 0.0

    def window(self, kind: str, length: int) -> Float32:
        """Mel powers (length, 128) of unit power."""
        if kind == "babble":
            return self._babble(length)
        if kind == "real":
            return self._real(length)
        start = self.random.integers(len(white_noise()) - length)
        noise = white_noise()[start : start + length]
        return noise * self._colour() if kind == "coloured" else noise

    def _colour(self) -> Float32:
        """Gains (128,) of a spectral tilt and a smooth random filter that keep the power."""
        tilt = self.random.uniform(*self.settings.tilt)
        bumps = cepstral_basis()[:, 1:9] @ self.random.standard_normal(8).astype(np.float32)
        curve = powers(bumps * self.settings.colour * math.sqrt(MELS / 8))
        curve *= (mel_frequencies() / 1000) ** -tilt
        coloured: Float32 = curve / (curve * band_widths()).sum()
        return coloured

    def _real(self, length: int) -> Float32:
        """A stretch of a recording, which is repeated where it is too short."""
        noises = self.real.mels()
        noise = noises[int(self.random.integers(len(noises)))]
        start = int(self.random.integers(len(noise)))
        return noise[(start + np.arange(length)) % len(noise)]

    def _babble(self, length: int) -> Float32:
        """Several voices at once, equally loud."""
        low, high = self.settings.voices
        rows = self.random.integers(len(self.voices), size=self.random.integers(low, high + 1))
        total: Float32 = np.mean([self._voice(int(row), length) for row in rows], axis=0)
        return total

    def _voice(self, row: int, length: int) -> Float32:
        levels = self.voices[row][int(self.random.integers(1 + VARIANTS.dry))].decibels
        frame_powers = powers(levels[:, 0])
        start, stop = trimmed(frame_powers)
        places = self.random.integers(stop - start) + np.arange(length)
        talk = powers(levels[start + places % (stop - start), 1:])
        voice: Float32 = talk / frame_powers[start:stop].mean()
        return voice
