"""How clients resample recordings: with a short low-pass filter, or wrongly, with none."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import scipy.interpolate

from training.arrays import Float64
from training.features.recipe import RECIPE

# Which sample of the input the first sample of the output falls on.
Alignment = Literal["starts", "centres", "ends"]
ALIGNMENTS: tuple[Alignment, ...] = ("starts", "centres", "ends")
# From samples (samples,) and places in samples (count,) to values (count,).
Interpolation: TypeAlias = Callable[[Float64, Float64], Float64]

ZERO_CROSSINGS = 6  # on either side
ROLL_OFF = 0.99  # of the Nyquist frequency


def windowed_sinc(audio: Float64, rate: float, source: float) -> Float64:
    """A short low-pass filter under a Hann window, as in torchaudio and on phones."""
    cutoff = ROLL_OFF * min(rate / source, 1.0)
    reach = ZERO_CROSSINGS / cutoff  # input samples
    places = np.arange(int(np.ceil(len(audio) * rate / source))) * (source / rate)
    whole = np.floor(places).astype(np.int64)
    margin = int(np.ceil(reach)) + 1
    padded = np.pad(audio, margin)
    resampled = np.zeros(len(places))
    for step in range(-margin + 1, margin):
        distance = places - whole - step
        window = np.cos(np.pi / 2 * np.clip(distance / reach, -1, 1)) ** 2
        taken = padded[np.minimum(whole + step + margin, len(padded) - 1)]
        resampled += taken * window * cutoff * np.sinc(cutoff * distance)
    return resampled


def interpolated(
    audio: Float64, source: float, method: Interpolation, alignment: Alignment = "starts"
) -> Float64:
    """Audio (samples,) at a source rate in Hz to the recipe's rate, without a low-pass filter."""
    step = source / RECIPE.sample_rate
    count = int(np.ceil(len(audio) / step))
    places = {
        "starts": np.arange(count) * step,
        "centres": (np.arange(count) + 0.5) * step - 0.5,
        "ends": np.linspace(0, len(audio) - 1, count),
    }
    return method(audio, np.clip(places[alignment], 0, len(audio) - 1))


def linear(audio: Float64, places: Float64) -> Float64:
    """The straight line between two neighbours."""
    return np.asarray(np.interp(places, np.arange(len(audio)), audio))


def nearest(audio: Float64, places: Float64) -> Float64:
    """The nearest sample."""
    return audio[np.round(places).astype(np.int64)]


def before(audio: Float64, places: Float64) -> Float64:
    """The sample before, as where an index is cut to a whole number."""
    return audio[np.floor(places).astype(np.int64)]


def spline(audio: Float64, places: Float64) -> Float64:
    """The cubic spline."""
    return np.asarray(scipy.interpolate.CubicSpline(np.arange(len(audio)), audio)(places))


def catmull_rom(audio: Float64, places: Float64) -> Float64:
    """The cubic with the slopes of the neighbours (Catmull and Rom 1974)."""
    p, u = _four(audio, places)
    slope, next_slope = (p[2] - p[0]) / 2, (p[3] - p[1]) / 2
    difference = p[2] - p[1]
    cubic = slope + next_slope - 2 * difference
    return np.asarray(p[1] + u * (slope + u * (difference - slope - cubic + u * cubic)))


def lagrange(audio: Float64, places: Float64) -> Float64:
    """The cubic through four neighbours."""
    p, u = _four(audio, places)
    return np.asarray(
        -p[0] * u * (u - 1) * (u - 2) / 6
        + p[1] * (u + 1) * (u - 1) * (u - 2) / 2
        - p[2] * (u + 1) * u * (u - 2) / 2
        + p[3] * (u + 1) * u * (u - 1) / 6
    )


def _four(audio: Float64, places: Float64) -> tuple[list[Float64], Float64]:
    """Two samples before and two after each place, and its distance from the second."""
    whole = np.floor(places).astype(np.int64)
    last = len(audio) - 1
    return [audio[np.clip(whole + step, 0, last)] for step in (-1, 0, 1, 2)], places - whole


def folded(audio: Float64, source: float) -> Float64:
    """Every frequency above the new Nyquist frequency aliases at its full level."""
    count = round(len(audio) * RECIPE.sample_rate / source)
    spectrum = np.fft.fft(audio)
    signed = np.fft.fftfreq(len(audio), 1 / len(audio)).astype(np.int64)
    aliased = np.zeros(count, np.complex128)
    np.add.at(aliased, signed % count, spectrum)
    return np.asarray(np.fft.ifft(aliased).real * (count / len(audio)))
