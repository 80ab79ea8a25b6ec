"""The sample clips of the page: synthetic voices that speak no words.

    python -m training.contract.samples clients/web/src/samples

A source of harmonics passes four resonances, the formants. The syllables, their pitch and their
level vary with the mood. The numbers of each mood were searched such that the networks know the
sound and answer with an emotion that fits the mood.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from training.arrays import Float64
from training.contract.reference import A, E, Formants, I, O, Pcm, U, as_pcm, hiss

RATE = 22_050  # Hz
HOP = 110  # samples between two values of a contour
HIGHEST_HARMONIC = 9_500.0  # Hz
STEP = 8  # of the samples, far below the noise: the file is smaller by a third
SILENCE = 0.25  # seconds at both ends
LONGEST_CONSONANT = 0.09  # seconds
# The consonants and vowels of the syllables.
SYLLABLES = (("n", A), ("s", E), ("l", O), ("t", I), ("n", U), ("k", A), ("m", E), ("t", A))
STRESSED = (1, 5)
HISSES = {"s": hiss(4_000, 9_000), "t": hiss(2_500, 8_000), "k": hiss(1_200, 4_500)}


@dataclass(frozen=True)
class Mood:
    """How a voice speaks."""

    seed: int
    pitch: float  # Hz
    span: float  # of the pitch, semitones
    fall: float  # of the pitch until the end, semitones
    syllables_per_second: float
    tilt: float  # of the source, dB an octave: a tense voice has little
    tract: float  # factor of the formants: a short vocal tract has higher ones
    width: float  # factor of the formants' widths
    hisses: float  # amplitude of consonants
    breath: float  # amplitude
    glide: float  # seconds over which the pitch changes
    vibrato: float  # share of the pitch
    jitter: float  # share of the pitch
    dynamics: float  # exponent of the level
    peak: float  # dB relative to full scale
    noise: float  # dB relative to full scale
    room: float  # amplitude of the reverberation


MOODS = {
    "calm": Mood(
        seed=1,
        pitch=114,
        span=3.44,
        fall=3.85,
        syllables_per_second=2.8,
        tilt=5.89,
        tract=1.01,
        width=1.93,
        hisses=0.409,
        breath=0.021,
        glide=0.106,
        vibrato=0.0118,
        jitter=0.0076,
        dynamics=0.7,
        peak=-24.0,
        noise=-69.3,
        room=0.126,
    ),
    "angry": Mood(
        seed=3,
        pitch=229,
        span=2.44,
        fall=7.17,
        syllables_per_second=5.92,
        tilt=1.93,
        tract=0.884,
        width=1.23,
        hisses=0.335,
        breath=0.0506,
        glide=0.0407,
        vibrato=0.0018,
        jitter=0.0297,
        dynamics=2.09,
        peak=-9.68,
        noise=-57.2,
        room=0.0018,
    ),
    "happy": Mood(
        seed=1,
        pitch=284,
        span=16.7,
        fall=2.54,
        syllables_per_second=4.56,
        tilt=7.0,
        tract=1.1,
        width=2.27,
        hisses=0.0889,
        breath=0.022,
        glide=0.0452,
        vibrato=0.0196,
        jitter=0.0003,
        dynamics=1.94,
        peak=-6.52,
        noise=-55.1,
        room=0.232,
    ),
}


@dataclass(frozen=True)
class Contours:
    """The course of a clip, one value for each hop; formants are (4, hops)."""

    level: Float64
    pitch: Float64  # Hz
    formants: Float64  # Hz
    hisses: Float64  # (samples,)


def sample(mood: Mood) -> Pcm:
    """The clip as int16 (samples,), mono at `RATE`."""
    random = np.random.default_rng(mood.seed)
    contours = _contours(mood, random)
    voice = _voice(mood, contours)
    level = _upsampled(contours.level)
    voice = voice * level**mood.dynamics + mood.breath * _breath(len(voice), random) * level
    voice += contours.hisses / 2
    voice *= _amplitude(mood.peak) / np.abs(voice).max()
    voice += random.normal(0, _amplitude(mood.noise), len(voice))
    pcm = as_pcm(np.clip(_in_a_room(voice, mood.room, random), -0.99, 0.99))
    return (pcm + STEP // 2) // STEP * STEP


def _contours(mood: Mood, random: np.random.Generator) -> Contours:
    count = len(SYLLABLES)
    variation = np.clip(random.standard_normal(count), -1, 1) / 4
    lengths = (1 + variation) / mood.syllables_per_second
    lengths[-1] *= 1.5  # as at the end of a sentence
    hops = int((lengths.sum() + 2 * SILENCE) * RATE / HOP)
    semitones = mood.span * random.uniform(-0.5, 0.5, count) - mood.fall * np.linspace(0, 1, count)
    pitches = mood.pitch * 2 ** (semitones / 12)
    times = np.arange(hops) * HOP / RATE
    level, pitch, hisses = np.zeros(hops), np.full(hops, pitches[0]), np.zeros(hops * HOP)
    formants = np.repeat(_formants(A, mood)[:, None], hops, axis=1)
    start = SILENCE
    for index, ((consonant, vowel), length) in enumerate(zip(SYLLABLES, lengths, strict=True)):
        vowel_start = start + min(0.3 * length, LONGEST_CONSONANT)
        here = times >= start
        pitch[here] = pitches[index]
        formants[:, here] = _formants(vowel, mood)[:, None]
        level[here] = 1.0 if index in STRESSED else 0.75
        level[here & (times < vowel_start)] = 0.0 if consonant in HISSES else 0.35
        if consonant in HISSES:
            made = _consonant(consonant, vowel_start - start, random)
            first = int(start * RATE)
            hisses[first : first + len(made)] += mood.hisses * made
        start += length
    level[times >= start] = 0
    pitch = _smooth(pitch, mood.glide)
    pitch *= 1 + mood.vibrato * np.sin(2 * np.pi * 5.5 * times)
    pitch *= 1 + mood.jitter * random.standard_normal(hops)
    smooth_formants = np.array([_smooth(each, 0.07) for each in formants])
    return Contours(_smooth(level, 0.05), pitch, smooth_formants, hisses)


def _formants(vowel: Formants, mood: Mood) -> Float64:
    return np.array(vowel) * mood.tract


def _consonant(consonant: str, seconds: float, random: np.random.Generator) -> Float64:
    samples = int(seconds * RATE)
    made = HISSES[consonant](np.arange(samples) / RATE, RATE, random)
    if consonant == "s":
        return made * np.hanning(samples)
    closed = np.arange(samples) <= 0.6 * samples  # a plosive: silence, then the burst
    return made * np.where(closed, 0, np.linspace(1, 0.2, samples))


def _voice(mood: Mood, contours: Contours) -> Float64:
    """The sum of the harmonics (samples,) of peak 1."""
    phase = 2 * np.pi * np.cumsum(_upsampled(contours.pitch)) / RATE
    voice = np.zeros_like(phase)
    for harmonic in range(1, int(HIGHEST_HARMONIC / contours.pitch.min()) + 1):
        frequency = harmonic * contours.pitch
        gain = np.where(frequency < HIGHEST_HARMONIC, 1.0, 0.0)
        gain *= (frequency / 100) ** (-mood.tilt / (20 * np.log10(2)))
        for centre in contours.formants:
            width = (60 + 0.05 * centre) * mood.width
            gain *= centre**2 / np.hypot(centre**2 - frequency**2, width * frequency)
        voice += _upsampled(gain) * np.sin(harmonic * (phase + 0.7))
    return np.asarray(voice / np.abs(voice).max())


def _breath(samples: int, random: np.random.Generator) -> Float64:
    spectrum = np.fft.rfft(random.standard_normal(samples))
    frequency = np.fft.rfftfreq(samples, 1 / RATE)
    noise = np.fft.irfft(spectrum * np.exp(-(((frequency - 2_200) / 2_000) ** 2)), samples)
    return np.asarray(noise / noise.std())


def _in_a_room(clip: Float64, amplitude: float, random: np.random.Generator) -> Float64:
    """The clip and its reverberation, which decays within a fifth of a second."""
    samples = RATE // 4
    tail = random.standard_normal(samples) * np.exp(-np.arange(samples) / (0.05 * RATE))
    tail *= amplitude / np.sqrt((tail**2).sum())
    tail[0] += 1
    size = 2 * len(clip)
    both = np.fft.rfft(clip, size) * np.fft.rfft(tail, size)
    return np.asarray(np.fft.irfft(both, size)[: len(clip)])


def _smooth(contour: Float64, seconds: float) -> Float64:
    hops = max(1, int(seconds * RATE / HOP))
    window = np.hanning(hops + 2)[1:-1]
    padded = np.pad(contour, hops, mode="edge")
    smooth = np.convolve(padded, window / window.sum(), mode="same")
    return np.asarray(smooth[hops:-hops])


def _upsampled(contour: Float64) -> Float64:
    """From one value a hop to one a sample."""
    return np.interp(np.arange(len(contour) * HOP) / HOP, np.arange(len(contour)), contour)


def _amplitude(decibels: float) -> float:
    return float(10 ** (decibels / 20))


if __name__ == "__main__":
    for name, mood in MOODS.items():
        soundfile.write(Path(sys.argv[1]) / f"{name}.flac", sample(mood), RATE)
