"""Augmentation of mel spectra into frames: tempo, noise, band, gain, microphone and masks.

Noise is added to mel powers, which needs no waveform: the powers of independent sounds add up.
Silence is trimmed after noise is added, as in the recipe, because noise changes what is silent.

To add an augmentation, add its numbers to `FrameAugmentation` and its step to `Augmenter.frames`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.arrays import Float32
from training.audio.mel import (
    MELS,
    Decibels,
    cepstral_basis,
    decibels,
    mel_frequencies,
    powers,
    trimmed,
)
from training.audio.noise import Noises, NoiseSettings
from training.audio.spectra import VARIANTS, Spectra
from training.features.recipe import RECIPE


@dataclass(frozen=True)
class FrameAugmentation:
    """Probabilities and ranges of the draws, which are uniform unless stated otherwise."""

    original_share: float = 0.1  # the recording itself
    room_share: float = 0.1  # a variant with a room; the rest are dry variants
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    tempo: float = 0.12  # the logarithm of the stretch lies within +-0.12
    tempo_share: float = 0.5
    gain: float = 5.0  # decibels, standard deviation of a normal distribution
    far_gain: float = 15.0  # decibels up or down
    far_gain_share: float = 0.4
    band_share: float = 0.12  # a narrow band, such as a telephone's
    lowest: tuple[float, float] = (50.0, 400.0)  # hertz
    highest: tuple[float, float] = (3000.0, 7000.0)
    slope: tuple[float, float] = (12.0, 60.0)  # decibels per octave outside the band
    channel: float = 24.0  # a microphone: coefficient k is shifted by N(0, 24 / k)
    channel_share: float = 0.7
    time_masks: int = 2
    time_mask: float = 0.12  # greatest length, as a share of the window
    coefficient_masks: int = 1
    coefficient_mask: int = 3  # greatest width


@dataclass(frozen=True)
class Draw:
    """One utterance as it is drawn for one epoch."""

    row: int
    levels: Decibels  # (T, 1 + 128), untrimmed
    start: int  # first frame after trimming
    stop: int  # last frame + 1
    rate: float  # source frames per frame
    noise: str  # its kind; "" for none
    noise_power: float

    @property
    def length(self) -> int:
        """The number of frames after the change of tempo."""
        return max(2, round((self.stop - self.start) / self.rate))


class Augmenter:
    """Augments the utterances of the training speakers; the seed determines all draws."""

    def __init__(
        self, spectra: Sequence[Spectra], settings: FrameAugmentation, random: np.random.Generator
    ) -> None:
        self.spectra, self.settings, self.random = spectra, settings, random
        self.noises = Noises(settings.noise, spectra, random)

    def draw(self, row: int) -> Draw:
        """Chooses a variant, a noise and a tempo."""
        settings, random = self.settings, self.random
        levels = self.spectra[row][self._variant(len(self.spectra[row]))]
        frame_powers = powers(levels[:, 0])
        start, stop = trimmed(frame_powers)
        kind, power = self.noises.draw()
        power *= float(frame_powers[start:stop].mean())
        start, stop = trimmed(frame_powers + power)
        rate = 1.0
        if random.random() < settings.tempo_share:
            rate = math.exp(random.uniform(-settings.tempo, settings.tempo))
        return Draw(row, levels, start, stop, rate, kind, power)

    def _variant(self, count: int) -> int:
        """The index of a variant out of `count`: the recording, dry variants, rooms."""
        settings, draw = self.settings, self.random.random()
        if draw < settings.original_share:
            return 0
        if draw < settings.original_share + settings.room_share:
            return int(self.random.integers(1 + VARIANTS.dry, count))
        return 1 + int(self.random.integers(VARIANTS.dry))

    def frames(self, draws: Sequence[Draw], length: int, mean: Float32) -> Float32:
        """A random stretch of each draw as cepstra.

        Args:
            draws: N utterances.
            length: frames of each stretch.
            mean: float32 (25,), the value of masked coefficients.

        Returns:
            float32 (N, length, 25).
        """
        mels = powers(np.stack([self._window(draw, length) for draw in draws]))
        for index, draw in enumerate(draws):
            if draw.noise:
                noise = self.noises.window(draw.noise, length)
                mels[index] += np.float32(draw.noise_power) * noise
        levels = decibels(mels)
        narrow = self.random.random(len(draws)) < self.settings.band_share
        for row in np.flatnonzero(narrow).tolist():
            levels[row] += self._band()
        floor = levels.max(axis=(1, 2), keepdims=True) - RECIPE.top_db
        frames: Float32 = np.maximum(levels, floor) @ cepstral_basis()
        for clip in frames:
            self._transmit(clip)
            self._mask(clip, mean)
        return frames

    def _window(self, draw: Draw, length: int) -> Float32:
        """Decibels (length, 128); an utterance that is too short is mirrored at its ends."""
        spare = max(0, draw.length - length)
        positions = (self.random.integers(spare + 1) + np.arange(length)) * draw.rate
        last = draw.stop - draw.start - 1
        positions = last - np.abs(last - positions % max(1, 2 * last))
        left = np.minimum(positions.astype(int), max(last - 1, 0))
        share = (positions - left).astype(np.float32)[:, None]
        block = draw.levels[draw.start : draw.stop, 1:].astype(np.float32)
        right = np.minimum(left + 1, last)
        window: Float32 = block[left] * (1 - share) + block[right] * share
        return window

    def _band(self) -> Float32:
        """Gains in decibels, (128,), of a random band-pass filter."""
        settings, random, hertz = self.settings, self.random, mel_frequencies()
        low, high = random.uniform(*settings.lowest), random.uniform(*settings.highest)
        octaves = np.maximum(np.maximum(np.log2(low / hertz), np.log2(hertz / high)), 0)
        band: Float32 = (-random.uniform(*settings.slope) * octaves).astype(np.float32)
        return band

    def _transmit(self, clip: Float32) -> None:
        """Adds gain and microphone, in place: a linear filter is a sum in the cepstral domain."""
        settings, random = self.settings, self.random
        gain = random.normal(0, settings.gain)
        if random.random() < settings.far_gain_share:
            gain = random.uniform(-settings.far_gain, settings.far_gain)
        # The DCT is orthonormal: one decibel in each band is sqrt(128) in c0.
        clip[:, 0] += gain * math.sqrt(MELS)
        if random.random() < settings.channel_share:
            spread = settings.channel / np.arange(1, clip.shape[1])
            clip[:, 1:] += random.standard_normal(len(spread)) * spread * random.random()

    def _mask(self, clip: Float32, mean: Float32) -> None:
        """Sets stretches of time and bands of coefficients to the mean (Park et al. 2019)."""
        settings, random = self.settings, self.random
        length, coefficients = clip.shape
        for _ in range(settings.time_masks):
            width = int(random.integers(int(settings.time_mask * length) + 1))
            start = int(random.integers(length - width + 1))
            clip[start : start + width] = mean
        for _ in range(settings.coefficient_masks):
            width = int(random.integers(settings.coefficient_mask + 1))
            # Never coefficient 0: the network derives voice activity from it.
            start = int(random.integers(1, coefficients - width + 1))
            clip[:, start : start + width] = mean[start : start + width]
