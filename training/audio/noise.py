"""Noises as mel powers: white, coloured, babble. Every one has the power that it is asked for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
from scipy.fft import dct

from training.arrays import Float32
from training.audio.spectra import FLOOR, MELS, VARIANTS, Spectra, spectrum
from training.features.recipe import RECIPE

NOISE_SECONDS = 60


@dataclass(frozen=True)
class NoisePlan:
    """Shares of all draws, and ranges that are drawn from uniformly."""

    white_share: float = 0.18
    coloured_share: float = 0.12
    babble_share: float = 0.25
    snr: tuple[float, float] = (8.0, 32.0)  # decibels, speech part to noise
    tilt: tuple[float, float] = (0.0, 2.0)  # power ~ 1 / f^tilt: 1 is pink, 2 is brown
    colour: float = 4.0  # decibels, standard deviation of a smooth random filter
    voices: tuple[int, int] = (3, 8)


@cache
def white_noise() -> Float32:
    """Mel powers (T, 128) of a minute of white noise of unit variance."""
    noise = np.random.default_rng(0).standard_normal(NOISE_SECONDS * RECIPE.sample_rate)
    return powers(spectrum(noise.astype(np.float32))[:, 1:])


@cache
def mel_frequencies() -> Float32:
    """The centre of each mel band, (128,), in hertz."""
    edges = librosa.mel_frequencies(MELS + 2, fmin=0.0, fmax=RECIPE.sample_rate / 2)
    centres: Float32 = edges[1:-1].astype(np.float32)
    return centres


@cache
def band_widths() -> Float32:
    """Each band's share of the axis of frequency, (128,): they sum up mel powers to a power."""
    widths = np.gradient(mel_frequencies())
    shares: Float32 = (widths / widths.sum()).astype(np.float32)
    return shares


@cache
def cepstral_basis() -> Float32:
    """The orthonormal DCT (128, 25), from decibels of mels to cepstra."""
    basis = dct(np.eye(MELS), axis=0, norm="ortho")[: RECIPE.n_mfcc].T
    return np.ascontiguousarray(basis, dtype=np.float32)


def powers(levels: npt.NDArray[np.floating[Any]]) -> Float32:
    """Decibels to powers, of any shape."""
    linear: Float32 = np.exp(np.asarray(levels, np.float32) * np.float32(math.log(10) / 10))
    return linear


def decibels(mels: Float32) -> Float32:
    """Powers to decibels, of any shape."""
    # NumPy has a fast natural logarithm of float32, and no fast common one.
    result: Float32 = np.log(np.maximum(mels, FLOOR)) * np.float32(10 / math.log(10))
    return result


def trimmed(frame_powers: Float32) -> tuple[int, int]:
    """The frames that the recipe's trimming leaves, from the mean square of each, (T,)."""
    threshold = frame_powers.max() * 10 ** (-RECIPE.trim_top_db / 10)
    loud = np.flatnonzero(frame_powers > threshold)
    return int(loud[0]), min(len(frame_powers), int(loud[-1]) + 2)


@dataclass(frozen=True)
class Noises:
    """Draws noises; babble is made of the utterances that are trained on."""

    plan: NoisePlan
    voices: Sequence[Spectra]
    random: np.random.Generator

    def draw(self) -> tuple[str, float]:
        """A kind, "" for none, and its power, of which the speech's is 1."""
        plan, draw = self.plan, self.random.random()
        shares = {
            "white": plan.white_share,
            "coloured": plan.coloured_share,
            "babble": plan.babble_share,
        }
        for kind, share in shares.items():
            if draw < share:
                return kind, 10 ** (-self.random.uniform(*plan.snr) / 10)
            draw -= share
        return "", 0.0

    def window(self, kind: str, length: int) -> Float32:
        """Mel powers (length, 128) of unit power."""
        if kind == "babble":
            return self._babble(length)
        start = self.random.integers(len(white_noise()) - length)
        noise = white_noise()[start : start + length]
        return noise * self._colour() if kind == "coloured" else noise

    def _colour(self) -> Float32:
        """A tilt and a smooth random filter that keep the power: a curve (128,) over the bands."""
        tilt = self.random.uniform(*self.plan.tilt)
        bumps = cepstral_basis()[:, 1:9] @ self.random.standard_normal(8).astype(np.float32)
        curve = powers(bumps * self.plan.colour * math.sqrt(MELS / 8))
        curve *= (mel_frequencies() / 1000) ** -tilt
        coloured: Float32 = curve / (curve * band_widths()).sum()
        return coloured

    def _babble(self, length: int) -> Float32:
        """Several voices at once, each as loud as the others."""
        low, high = self.plan.voices
        rows = self.random.integers(len(self.voices), size=self.random.integers(low, high + 1))
        total: Float32 = np.mean([self._voice(int(row), length) for row in rows], axis=0)
        return total

    def _voice(self, row: int, length: int) -> Float32:
        levels = self.voices[row][int(self.random.integers(1 + VARIANTS.dry))]
        frame_powers = powers(levels[:, 0])
        start, stop = trimmed(frame_powers)
        places = self.random.integers(stop - start) + np.arange(length)
        talk = powers(levels[start + places % (stop - start), 1:])
        voice: Float32 = talk / frame_powers[start:stop].mean()
        return voice
