"""What is drawn anew each time an utterance is seen: tempo, noise, band, gain, microphone, masks.

Noise is added to mel powers, where it costs no waveform: powers of sounds that know nothing of each
other add up. Trimming comes after it, as in the recipe: noise keeps silence from being cut off.
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

DYNAMIC_RANGE = 80.0  # decibels below the loudest mel, as in the recipe


@dataclass(frozen=True)
class FrameAugmentation:
    """Shares of the draws, and ranges; a range is drawn from uniformly unless it says otherwise."""

    original_share: float = 0.1
    room_share: float = 0.1  # the rest are dry variants
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    tempo: float = 0.12  # the logarithm of the stretch lies within +-0.12
    tempo_share: float = 0.5
    gain: float = 5.0  # decibels, standard deviation
    far_gain: float = 15.0  # decibels either way
    far_gain_share: float = 0.4
    band_share: float = 0.12  # a narrow band, as of a telephone
    lowest: tuple[float, float] = (50.0, 400.0)  # hertz
    highest: tuple[float, float] = (3000.0, 7000.0)
    slope: tuple[float, float] = (12.0, 60.0)  # decibels an octave beyond them
    channel: float = 24.0  # coefficient k of a whole clip moves by N(0, 24 / k): a microphone
    channel_share: float = 0.7
    time_masks: int = 2
    time_mask: float = 0.12  # longest, as a share of the window
    coefficient_masks: int = 1
    coefficient_mask: int = 3  # widest


@dataclass(frozen=True)
class Draw:
    """One utterance as it will be seen once."""

    row: int
    levels: Decibels  # (T, 1 + 128), a whole variant
    start: int  # what trimming leaves
    stop: int
    rate: float  # source frames for each frame
    noise: str  # its kind; "" is none
    noise_power: float

    @property
    def length(self) -> int:
        """Frames that it has after the change of tempo."""
        return max(2, round((self.stop - self.start) / self.rate))


class Augmenter:
    """Draws from the utterances of the training speakers; the same seed draws the same."""

    def __init__(
        self, spectra: Sequence[Spectra], settings: FrameAugmentation, random: np.random.Generator
    ) -> None:
        self.spectra, self.settings, self.random = spectra, settings, random
        self.noises = Noises(settings.noise, spectra, random)

    def draw(self, row: int) -> Draw:
        """Chooses a variant, a noise, a tempo."""
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
        """Number 0 is the recording; of `count`, those after the dry ones are rooms."""
        settings, draw = self.settings, self.random.random()
        if draw < settings.original_share:
            return 0
        if draw < settings.original_share + settings.room_share:
            return int(self.random.integers(1 + VARIANTS.dry, count))
        return 1 + int(self.random.integers(VARIANTS.dry))

    def frames(self, draws: Sequence[Draw], length: int, mean: Float32) -> Float32:
        """Cepstra (len(draws), length, 25): a random stretch of each, masked with `mean`, (25,)."""
        mels = powers(np.stack([self._window(draw, length) for draw in draws]))
        for index, draw in enumerate(draws):
            if draw.noise:
                noise = self.noises.window(draw.noise, length)
                mels[index] += np.float32(draw.noise_power) * noise
        levels = decibels(mels)
        narrow = self.random.random(len(draws)) < self.settings.band_share
        for row in np.flatnonzero(narrow).tolist():
            levels[row] += self._band()
        floor = levels.max(axis=(1, 2), keepdims=True) - DYNAMIC_RANGE
        frames: Float32 = np.maximum(levels, floor) @ cepstral_basis()
        for clip in frames:
            self._transmit(clip)
            self._mask(clip, mean)
        return frames

    def _window(self, draw: Draw, length: int) -> Float32:
        """Decibels (length, 128); an utterance that is too short goes on backwards."""
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
        """Decibels (128,) of a band-pass filter."""
        settings, random, hertz = self.settings, self.random, mel_frequencies()
        low, high = random.uniform(*settings.lowest), random.uniform(*settings.highest)
        octaves = np.maximum(np.maximum(np.log2(low / hertz), np.log2(hertz / high)), 0)
        band: Float32 = (-random.uniform(*settings.slope) * octaves).astype(np.float32)
        return band

    def _transmit(self, clip: Float32) -> None:
        """Gain and microphone, in place: in the cepstral domain a fixed filter only adds."""
        settings, random = self.settings, self.random
        gain = random.normal(0, settings.gain)
        if random.random() < settings.far_gain_share:
            gain = random.uniform(-settings.far_gain, settings.far_gain)
        # The DCT is orthonormal: a decibel on every band is sqrt(128) on c0.
        clip[:, 0] += gain * math.sqrt(MELS)
        if random.random() < settings.channel_share:
            spread = settings.channel / np.arange(1, clip.shape[1])
            clip[:, 1:] += random.standard_normal(len(spread)) * spread * random.random()

    def _mask(self, clip: Float32, mean: Float32) -> None:
        """Stretches of time and bands of coefficients become the mean (Park et al. 2019)."""
        settings, random = self.settings, self.random
        length, coefficients = clip.shape
        for _ in range(settings.time_masks):
            width = int(random.integers(int(settings.time_mask * length) + 1))
            start = int(random.integers(length - width + 1))
            clip[start : start + width] = mean
        for _ in range(settings.coefficient_masks):
            width = int(random.integers(settings.coefficient_mask + 1))
            # 0 stays: voice activity is read from it.
            start = int(random.integers(1, coefficients - width + 1))
            clip[:, start : start + width] = mean[start : start + width]
