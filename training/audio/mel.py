"""Mel spectra: their computation, their units, and the way from them to cepstra."""

import math
from functools import cache
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
from scipy.fft import dct

from training.arrays import Float32
from training.features.recipe import RECIPE

MELS = RECIPE.n_mels
FLOOR = RECIPE.amin  # of powers, before the logarithm

Decibels = npt.NDArray[np.float16]


def spectrum(audio: Float32) -> Decibels:
    """Audio float32 (samples,) to float16 (T, 1 + 128) in decibels, silence included.

    The first column is the mean square of each frame, the others are its 128 mel powers.
    """
    mels = librosa.feature.melspectrogram(y=audio, sr=RECIPE.sample_rate)  # (128, T)
    rms = librosa.feature.rms(y=audio)  # (1, T)
    powers = np.concatenate([np.square(rms), mels])
    decibels: Decibels = (10 * np.log10(np.maximum(powers, FLOOR))).T.astype(np.float16)
    return decibels


def powers(levels: npt.NDArray[np.floating[Any]]) -> Float32:
    """Decibels to powers, any shape."""
    linear: Float32 = np.exp(np.asarray(levels, np.float32) * np.float32(math.log(10) / 10))
    return linear


def decibels(mels: Float32) -> Float32:
    """Powers to decibels, any shape."""
    # In NumPy, float32 has a fast natural logarithm, but no fast decimal one.
    result: Float32 = np.log(np.maximum(mels, FLOOR)) * np.float32(10 / math.log(10))
    return result


def trimmed(frame_powers: Float32) -> tuple[int, int]:
    """First and last + 1 of the frames that the recipe's trimming keeps.

    Args:
        frame_powers: float32 (T,), the mean square of each frame.
    """
    threshold = frame_powers.max() * 10 ** (-RECIPE.trim_top_db / 10)
    loud = np.flatnonzero(frame_powers > threshold)
    return int(loud[0]), min(len(frame_powers), int(loud[-1]) + 2)


@cache
def mel_frequencies() -> Float32:
    """The centre of each mel band, float32 (128,), in hertz."""
    edges = librosa.mel_frequencies(MELS + 2, fmin=0.0, fmax=RECIPE.sample_rate / 2)
    centres: Float32 = edges[1:-1].astype(np.float32)
    return centres


@cache
def band_widths() -> Float32:
    """The share of each band in the frequency axis, float32 (128,).

    The sum of mel powers with these weights is the power of the frame.
    """
    widths = np.gradient(mel_frequencies())
    shares: Float32 = (widths / widths.sum()).astype(np.float32)
    return shares


@cache
def cepstral_basis() -> Float32:
    """The orthonormal DCT as a matrix, float32 (128, 25), from decibels to cepstra."""
    basis = dct(np.eye(MELS), axis=0, norm="ortho")[: RECIPE.n_mfcc].T
    return np.ascontiguousarray(basis, dtype=np.float32)
