"""What TarsosDSP's MFCC makes of two seconds of audio, as the published Android client calls it.

`new MFCC(44100, 22050, 25, 30, 133.3334f, 11025)` is given two seconds as one frame. Written anew
from what the library is known to compute, and held to that client's own coefficients of real clips.
"""

import numpy as np
import numpy.typing as npt

from training.features.recipe import RECIPE

Float64 = npt.NDArray[np.float64]

FRAME_LENGTH = 44_100  # samples, two seconds
N_MELS = 30
F_MIN = 133.3334  # Hz
FLOOR = -50.0  # of the natural logarithm


def android_client_vector(audio: Float64) -> Float64:
    """Coefficients (25,) of the first two seconds of audio (samples,), padded with zeros."""
    frame = np.pad(audio[:FRAME_LENGTH], (0, max(0, FRAME_LENGTH - len(audio))))
    spectrum = np.abs(np.fft.rfft(frame * np.hamming(FRAME_LENGTH)))
    spectrum[-1] = spectrum[-2]  # the library has no bin for half the sample rate
    edges = _edges()
    bands = [_band(spectrum, *edges[i : i + 3]) for i in range(N_MELS)]
    levels = np.maximum(np.log(bands), FLOOR)
    angles = np.pi / N_MELS * np.outer(np.arange(RECIPE.n_mfcc), np.arange(N_MELS) + 0.5)
    coefficients: Float64 = np.cos(angles) @ levels
    return coefficients


def _edges() -> list[int]:
    """The bins on which the filters start, peak and end.

    The version that the client ships stores its centres one place too early. Each filter is so its
    neighbour above; the last but one lacks its falling side, and the last falls over all bins.
    """
    mels = np.linspace(_mel(F_MIN), _mel(RECIPE.sample_rate / 2), N_MELS + 2)[1:-1]
    hertz = 700 * (10 ** (mels / 2595) - 1)
    centres = np.floor(hertz / RECIPE.sample_rate * FRAME_LENGTH + 0.5).astype(int)
    return [*centres.tolist(), 0, FRAME_LENGTH // 2]


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _band(spectrum: Float64, start: int, peak: int, end: int) -> float:
    """The sum under one triangle; a side whose end lies before its start is empty."""
    rising = np.arange(1, peak - start + 2) / (peak - start + 1)
    falling = 1 - np.arange(1, end - peak + 1) / (end - peak + 1)
    up = spectrum[start : peak + 1] @ rising
    down = spectrum[peak + 1 : end + 1] @ falling
    return float(up + down)
