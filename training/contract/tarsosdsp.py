"""The features of the published Android client: TarsosDSP's MFCC on two seconds of audio.

The client passes two seconds to `new MFCC(44100, 22050, 25, 30, 133.3334f, 11025)` as one frame.
This is an independent implementation. A test compares it with coefficients that the client computed
from real clips.
"""

import numpy as np

from training.arrays import Float64
from training.features.recipe import RECIPE

FRAME_LENGTH = 44_100  # samples, two seconds
N_MELS = 30
F_MIN = 133.3334  # Hz
FLOOR = -50.0  # of the natural logarithm of a band


def android_client_vector(audio: Float64) -> Float64:
    """Coefficients (25,) of the first two seconds of audio (samples,), zero-padded."""
    frame = np.pad(audio[:FRAME_LENGTH], (0, max(0, FRAME_LENGTH - len(audio))))
    spectrum = np.abs(np.fft.rfft(frame * np.hamming(FRAME_LENGTH)))
    spectrum[-1] = spectrum[-2]  # the library has no bin at half the sample rate
    edges = _edges()
    bands = [_band(spectrum, *edges[i : i + 3]) for i in range(N_MELS)]
    levels = np.maximum(np.log(bands), FLOOR)
    angles = np.pi / N_MELS * np.outer(np.arange(RECIPE.n_mfcc), np.arange(N_MELS) + 0.5)
    coefficients: Float64 = np.cos(angles) @ levels
    return coefficients


def _edges() -> list[int]:
    """The bins at which the filters start, peak and end.

    The version in the client stores its centres one index too low. Each filter is therefore the
    next higher one, the last but one has no falling side, and the last falls over all bins.
    """
    mels = np.linspace(_mel(F_MIN), _mel(RECIPE.sample_rate / 2), N_MELS + 2)[1:-1]
    hertz = 700 * (10 ** (mels / 2595) - 1)
    centres = np.floor(hertz / RECIPE.sample_rate * FRAME_LENGTH + 0.5).astype(int)
    return [*centres.tolist(), 0, FRAME_LENGTH // 2]


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _band(spectrum: Float64, start: int, peak: int, end: int) -> float:
    """The weighted sum under one triangle; a side that ends before it starts is empty."""
    rising = np.arange(1, peak - start + 2) / (peak - start + 1)
    falling = 1 - np.arange(1, end - peak + 1) / (end - peak + 1)
    up = spectrum[start : peak + 1] @ rising
    down = spectrum[peak + 1 : end + 1] @ falling
    return float(up + down)
