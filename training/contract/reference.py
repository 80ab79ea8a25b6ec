"""The reference clip: synthetic, speech-like audio whose features verify a client.

Each known mistake changes its features: silence and soft breath at both ends show trimming, pauses
more than 80 dB below the vowels the floor, soft and loud parts the pooling, and voiced sounds with
moving pitch and formants next to fricatives show filters, windows and frame lengths. The clip has
almost no energy above 9 kHz, so that a good resampler of a client changes no feature.
"""

import io
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Float64
from training.features.recipe import RECIPE

FILE_NAME = "reference.wav"
FULL_SCALE = 32_768
SECONDS = 3.4
SEED = 20_261_120
NOISE_LEVEL = 0.8 / FULL_SCALE  # throughout the clip, so that no pause is digital silence
HIGHEST_HARMONIC = 8_000.0  # Hz
FADE = 0.008  # seconds at both ends of each sound

Pcm = npt.NDArray[np.int16]


class Formants(NamedTuple):
    """Resonances of the vocal tract in Hz (Peterson and Barney 1952, rounded)."""

    first: float
    second: float
    third: float
    fourth: float = 3_700.0


A = Formants(730, 1_090, 2_440)
I = Formants(280, 2_250, 2_900)  # noqa: E741 - the vowel's own name
O = Formants(500, 850, 2_400)  # noqa: E741 - the vowel's own name
E = Formants(530, 1_840, 2_480)
U = Formants(310, 870, 2_250)


@dataclass(frozen=True)
class Sound:
    """A stretch of the clip: its place, its level and its sound."""

    start: float  # seconds
    end: float
    levels: tuple[float, float]  # amplitudes of the first and the last sample, geometric in between
    make: "Maker"


# From times in seconds, the sample rate in Hz and random numbers to samples of peak 1.
Maker = Callable[[Float64, int, np.random.Generator], Float64]


def vowel(begin: Formants, end: Formants, pitch: tuple[float, float]) -> Maker:
    """Harmonics of a gliding pitch (Hz), shaped by gliding formants."""

    def make(times: Float64, rate: int, _: np.random.Generator) -> Float64:
        way = np.linspace(0, 1, len(times))
        vibrato = 1 + 0.02 * np.sin(2 * np.pi * 5.5 * times)
        fundamental = pitch[0] * (pitch[1] / pitch[0]) ** way * vibrato  # (samples,)
        phase = 2 * np.pi * np.cumsum(fundamental) / rate
        voice = np.zeros_like(times)
        for harmonic in range(1, int(HIGHEST_HARMONIC / min(pitch)) + 1):
            frequency = harmonic * fundamental
            gain = np.where(frequency < HIGHEST_HARMONIC, 1.0, 0.0) / harmonic
            for first, last in zip(begin, end, strict=True):
                gain *= _resonance(frequency, first + (last - first) * way)
            voice += gain * np.sin(harmonic * phase)
        return voice / float(np.abs(voice).max())

    return make


def _resonance(frequency: Float64, centre: Float64) -> Float64:
    """Gain of a second-order resonance; its width is 60 Hz plus 4 % of its centre."""
    width = 60 + 0.04 * centre
    gain: Float64 = centre**2 / np.hypot(centre**2 - frequency**2, width * frequency)
    return gain


def hiss(low: float, high: float) -> Maker:
    """Noise between two frequencies in Hz, for fricatives, breath and bursts of plosives."""

    def make(times: Float64, rate: int, random: np.random.Generator) -> Float64:
        spectrum = np.fft.rfft(random.standard_normal(len(times)))
        frequency = np.fft.rfftfreq(len(times), 1 / rate)
        # Linear slopes of 400 Hz on both sides.
        spectrum *= np.clip((frequency - low) / 400 + 1, 0, 1)
        spectrum *= np.clip((high - frequency) / 400 + 1, 0, 1)
        noise = np.fft.irfft(spectrum, len(times))
        return np.asarray(noise / np.abs(noise).max())

    return make


SOUNDS = (
    Sound(0.45, 0.706, (0.0015, 0.0030), hiss(300, 3_000)),  # breath: trimmed at 30 dB, not at 60
    Sound(0.706, 0.82, (0.06, 0.085), vowel(A, A, (110, 120))),
    Sound(0.82, 1.10, (0.50, 0.70), vowel(A, I, (120, 165))),
    Sound(1.09, 1.26, (0.12, 0.10), hiss(4_000, 8_000)),  # s
    Sound(1.25, 1.52, (0.70, 0.35), vowel(I, E, (185, 150))),
    Sound(1.78, 1.81, (0.25, 0.05), hiss(900, 5_000)),  # p
    Sound(1.82, 2.20, (0.60, 0.75), vowel(O, E, (150, 215))),
    Sound(2.19, 2.36, (0.08, 0.20), hiss(2_000, 7_000)),  # sh
    Sound(2.35, 2.66, (0.65, 0.12), vowel(U, A, (200, 105))),
    Sound(2.66, 2.92, (0.0040, 0.0020), hiss(200, 2_500)),  # breath
)


def reference_samples() -> Pcm:
    """The clip as int16 (samples,), mono at the recipe's sample rate."""
    rate = RECIPE.sample_rate
    random = np.random.default_rng(SEED)
    return as_pcm(noise(rate, random) + mixed(SOUNDS, rate, random))


def noise(rate: int, random: np.random.Generator) -> Float64:
    """Faint noise as long as a clip, (samples,)."""
    return random.normal(0, NOISE_LEVEL, int(SECONDS * rate))


def mixed(sounds: Sequence[Sound], rate: int, random: np.random.Generator) -> Float64:
    """The sum of the sounds, as long as a clip, (samples,)."""
    clip = np.zeros(int(SECONDS * rate))
    times = np.arange(len(clip)) / rate
    for sound in sounds:
        here = slice(round(sound.start * rate), round(sound.end * rate))
        first, last = sound.levels
        level = first * (last / first) ** np.linspace(0, 1, len(times[here]))
        made = sound.make(times[here], rate, random)
        clip[here] += level * made * _faded(len(made), rate)
    return clip


def _faded(samples: int, rate: int) -> Float64:
    """A window (samples,) with raised cosines at both ends."""
    from_the_end = np.minimum(np.arange(samples), np.arange(samples)[::-1])
    part = np.clip(from_the_end / (FADE * rate), 0, 1)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * part))


def as_pcm(clip: Float64) -> Pcm:
    """Samples in [-1, 1] to int16."""
    return np.round(clip * FULL_SCALE).astype(np.int16)


def as_audio(samples: Pcm) -> Float32:
    """int16 samples to float32 of the same shape in [-1, 1], as audio libraries read them."""
    return samples.astype(np.float32) / np.float32(FULL_SCALE)


def wav(samples: Pcm, rate: int = RECIPE.sample_rate) -> bytes:
    """The content of a 16-bit WAV file of samples (samples,) or (samples, channels)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()
