"""Augmentation of mel spectra into frames: tempo, noise, band, gain, microphone and masks.

Noise is added to mel powers, which needs no waveform: the powers of independent sounds add up.
Silence is trimmed after noise is added, as in the recipe, because noise changes what is silent.

To add an augmentation, add its numbers to `FrameAugmentation`, and its step to
`Augmenter.augmented`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.arrays import Float32, Float64
from training.audio.mel import (
    FLOOR,
    MELS,
    band_widths,
    cepstral_basis,
    decibels,
    mel_frequencies,
    powers,
    trimmed,
)
from training.audio.noise import Noises, NoiseSettings
from training.audio.real_noise import RealNoises
from training.audio.spectra import VARIANTS, Spectra, Variant
from training.features.prosody import VOICED_FROM
from training.features.recipe import RECIPE

PITCH_MELS = slice(2, 58)  # 54 to 2,000 Hz, where the pitch is looked for


@dataclass(frozen=True)
class FrameAugmentation:
    """Probabilities and ranges of the draws, which are uniform unless stated otherwise."""

    original_share: float = 0.15  # the recording itself
    room_share: float = 0.15  # a variant with a room; the rest are dry variants
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
    variant: int
    source: Variant  # untrimmed
    start: int  # first frame after trimming
    stop: int  # last frame + 1
    rate: float  # source frames per frame
    noise: str  # its kind; "" for none
    noise_power: float

    @property
    def length(self) -> int:
        """The number of frames after the change of tempo."""
        return max(2, round((self.stop - self.start) / self.rate))


@dataclass(frozen=True)
class Augmented:
    """Stretches of N draws of one length T, and what a baseline of the same speaker shares."""

    frames: Float32  # (N, T, 25)
    prosody: Float32  # (N, T, 3)
    channels: Float32  # (N, 25): what gain and microphone add to every frame
    drifts: Float32  # (N, 25): what noise and band limits do to the mean of the frames


class Augmenter:
    """Augments the utterances of the training speakers; the seed determines all draws."""

    def __init__(
        self,
        spectra: Sequence[Spectra],
        settings: FrameAugmentation,
        noises: RealNoises,
        random: np.random.Generator,
    ) -> None:
        self.spectra, self.settings, self.random = spectra, settings, random
        self.noises = Noises(settings.noise, spectra, noises, random)

    def draw(self, row: int) -> Draw:
        """Chooses a variant, a noise and a tempo."""
        settings, random = self.settings, self.random
        number = self._variant(len(self.spectra[row]))
        variant = self.spectra[row][number]
        frame_powers = powers(variant.decibels[:, 0])
        start, stop = trimmed(frame_powers)
        kind, power = self.noises.draw()
        power *= float(frame_powers[start:stop].mean())
        start, stop = trimmed(frame_powers + power)
        rate = 1.0
        if random.random() < settings.tempo_share:
            rate = math.exp(random.uniform(-settings.tempo, settings.tempo))
        return Draw(row, number, variant, start, stop, rate, kind, power)

    def _variant(self, count: int) -> int:
        """The index of a variant out of `count`: the recording, dry variants, rooms."""
        settings, draw = self.settings, self.random.random()
        if draw < settings.original_share:
            return 0
        if draw < settings.original_share + settings.room_share:
            return int(self.random.integers(1 + VARIANTS.dry, count))
        return 1 + int(self.random.integers(VARIANTS.dry))

    def augmented(self, draws: Sequence[Draw], length: int, mean: Float32) -> Augmented:
        """A random stretch of each of N draws.

        Args:
            draws: N utterances.
            length: frames of each stretch.
            mean: float32 (25,), the value of masked coefficients.
        """
        places = [self._places(draw, length) for draw in draws]
        mels = powers(np.stack([_decibels(*pair) for pair in zip(draws, places, strict=True)]))
        pitch = np.stack([_pitch(*pair) for pair in zip(draws, places, strict=True)])
        for index, draw in enumerate(draws):
            if draw.noise:
                noise = np.float32(draw.noise_power) * self.noises.window(draw.noise, length)
                hide_pitch(pitch[index], mels[index], noise)
                mels[index] += noise
        frames = self._cepstra(mels)
        clean = np.stack([self.spectra[draw.row].means[draw.variant] for draw in draws])
        drifts = frames.mean(axis=1) - clean[:, : RECIPE.n_mfcc]
        channels = np.stack([self._channel() for _ in draws])
        frames += channels[:, np.newaxis]
        level = frames[..., :1] / math.sqrt(MELS)
        for clip, voice in zip(frames, pitch, strict=True):
            self._mask(clip, voice, mean)
        return Augmented(frames, np.concatenate([pitch, level], axis=2), channels, drifts)

    def _cepstra(self, mels: Float32) -> Float32:
        """Mel powers (N, T, 128) to cepstra (N, T, 25), some of them through a narrow band."""
        levels = decibels(mels)
        narrow = self.random.random(len(mels)) < self.settings.band_share
        for row in np.flatnonzero(narrow).tolist():
            levels[row] += self._band()
        floor = levels.max(axis=(1, 2), keepdims=True) - RECIPE.top_db
        cepstra: Float32 = np.maximum(levels, floor) @ cepstral_basis()
        return cepstra

    def _places(self, draw: Draw, length: int) -> Float64:
        """Positions (length,) after trimming; an utterance too short is mirrored at its ends."""
        spare = max(0, draw.length - length)
        positions = (self.random.integers(spare + 1) + np.arange(length)) * draw.rate
        last = draw.stop - draw.start - 1
        return np.asarray(last - np.abs(last - positions % max(1, 2 * last)))

    def _band(self) -> Float32:
        """Gains in decibels, (128,), of a random band-pass filter."""
        settings, random, hertz = self.settings, self.random, mel_frequencies()
        low, high = random.uniform(*settings.lowest), random.uniform(*settings.highest)
        octaves = np.maximum(np.maximum(np.log2(low / hertz), np.log2(hertz / high)), 0)
        band: Float32 = (-random.uniform(*settings.slope) * octaves).astype(np.float32)
        return band

    def _channel(self) -> Float32:
        """What gain and microphone add to cepstra, (25,): a linear filter is a sum there."""
        settings, random = self.settings, self.random
        gain = random.normal(0, settings.gain)
        if random.random() < settings.far_gain_share:
            gain = random.uniform(-settings.far_gain, settings.far_gain)
        shift = np.zeros(RECIPE.n_mfcc, np.float32)
        # The DCT is orthonormal: one decibel in each band is sqrt(128) in c0.
        shift[0] = gain * math.sqrt(MELS)
        if random.random() < settings.channel_share:
            spread = settings.channel / np.arange(1, len(shift))
            shift[1:] = random.standard_normal(len(spread)) * spread * random.random()
        return shift

    def _mask(self, clip: Float32, pitch: Float32, mean: Float32) -> None:
        """Sets stretches of time and bands of coefficients to the mean (Park et al. 2019)."""
        settings, random = self.settings, self.random
        length, coefficients = clip.shape
        for _ in range(settings.time_masks):
            width = int(random.integers(int(settings.time_mask * length) + 1))
            start = int(random.integers(length - width + 1))
            clip[start : start + width] = mean
            pitch[start : start + width] = 0
        for _ in range(settings.coefficient_masks):
            width = int(random.integers(settings.coefficient_mask + 1))
            # Never coefficient 0: the network derives voice activity from it.
            start = int(random.integers(1, coefficients - width + 1))
            clip[:, start : start + width] = mean[start : start + width]


def _decibels(draw: Draw, places: Float64) -> Float32:
    """Levels of the mel bands (length, 128) at positions between frames."""
    last = draw.stop - draw.start - 1
    left = np.minimum(places.astype(int), max(last - 1, 0))
    share = (places - left).astype(np.float32)[:, None]
    block = draw.source.decibels[draw.start : draw.stop, 1:].astype(np.float32)
    levels: Float32 = block[left] * (1 - share) + block[np.minimum(left + 1, last)] * share
    return levels


def _pitch(draw: Draw, places: Float64) -> Float32:
    """Log F0 and voicing (length, 2) of the nearest frames: a pitch is not interpolated."""
    nearest = np.minimum(np.round(places).astype(int), draw.stop - draw.start - 1)
    pitch: Float32 = draw.source.pitch[draw.start : draw.stop][nearest].astype(np.float32)
    return pitch


def hide_pitch(pitch: Float32, speech: Float32, noise: Float32) -> None:
    """Lowers the voicing (T, 2) as noise does, in place.

    Voicing is the share of the periodic power below 2 kHz, which independent noise makes smaller.
    """
    widths = band_widths()[PITCH_MELS]
    own, other = (mels[:, PITCH_MELS] @ widths for mels in (speech, noise))
    pitch[:, 1] *= own / np.maximum(own + other, FLOOR)
    pitch[pitch[:, 1] < VOICED_FROM, 0] = 0
