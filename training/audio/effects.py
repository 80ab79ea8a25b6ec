"""Effects on waveforms, float32 (samples,), mono at 22,050 Hz, that have several users."""

import librosa
import numpy as np
from scipy.signal import fftconvolve

from training.arrays import Float32
from training.features.recipe import RECIPE


def change_speed(audio: Float32, speed: float) -> Float32:
    """Changes pitch, formants and tempo together; above 1 is faster and higher (Ko et al. 2015)."""
    return librosa.resample(audio, orig_sr=speed, target_sr=1.0, res_type="soxr_mq")


def reverberate(
    audio: Float32, t60: float, direct_to_reverberant: float, random: np.random.Generator
) -> Float32:
    """Adds the reverberation of a synthetic room, exponentially decaying noise (Moorer 1979).

    Args:
        audio: float32 (samples,).
        t60: seconds in which the reverberation decays by 60 dB.
        direct_to_reverberant: decibels, energy of the direct sound to that of the reverberation.
        random: draws the room.

    Returns:
        float32, longer by a third of `t60`.
    """
    samples = int(t60 * RECIPE.sample_rate)
    seconds = np.arange(samples) / RECIPE.sample_rate
    response = random.standard_normal(samples) * np.exp(-6.9 * seconds / t60)
    response[: int(0.002 * RECIPE.sample_rate)] = 0
    response *= 10 ** (-direct_to_reverberant / 20) / np.sqrt(np.square(response).sum())
    response[0] = 1
    wet = fftconvolve(audio, response)[: len(audio) + samples // 3]
    return np.asarray(wet, np.float32)
