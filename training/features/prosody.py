"""Pitch, voicing and level on the grid of the MFCC frames: the reference for the graph.

The autocorrelation of a frame is the inverse Fourier transform of its power spectrum. Divided by
the autocorrelation of the window, it peaks at the period of a voiced frame, with the share of the
periodic power as its height (Boersma 1993, "Accurate short-term analysis of the fundamental
frequency and the harmonics-to-noise ratio of a sampled sound"). Of several peaks, the octave cost
prefers the shortest period. A weak peak must also lie near the pitch of the clip and of the
neighbouring frames; a strong one may lie anywhere, so that high and low speech is kept.
"""

import math

import librosa
import numpy as np

from training.arrays import Float32, Float64
from training.features.recipe import RECIPE

RATE = RECIPE.sample_rate
N_FFT = RECIPE.n_fft

F0_MINIMUM, F0_MAXIMUM = 60.0, 500.0  # Hz
REFERENCE_HZ = 27.5  # log F0 counts octaves above this, the A0 of eGeMAPS's semitone scale
UNVOICED = 0.0  # log F0 of an unvoiced frame; voiced ones lie between 1.1 and 4.2

# Bins of the spectra from 54 to 1,992 Hz: lower ones hold rumble, higher ones mostly noise.
BINS = np.arange(5, 186)

# Lags in samples, with one more at either end for the interpolation.
LAGS = np.arange(int(RATE / F0_MAXIMUM) - 1, int(np.ceil(RATE / F0_MINIMUM)) + 2)
CANDIDATES = LAGS[1:-1]
CANDIDATE_OCTAVES = np.log2(RATE / REFERENCE_HZ / CANDIDATES)

OCTAVE_COST = 0.02  # for each octave below F0_MAXIMUM, in units of the peak's height
CLIP_COST = 0.4  # for each octave from the mean pitch of the clip, times 1 - height
NEIGHBOUR_COST = 1.6  # for each octave from the median pitch of five frames, times 1 - height
NEIGHBOURS = 2  # frames on either side
VOICED_FROM = 0.5  # height of the peak
AMIN = RECIPE.amin
LEVEL_MINIMUM = 10 * math.log10(AMIN)  # dB
ROUNDING = 1e-9  # share of a frame's power that float32 does not tell from rounding errors
FLATTEST = -1e-9  # curvature at a peak, so that no division is by zero
IMPOSSIBLE = -1e3  # score of a lag that is no peak
OCTAVE_COSTS = OCTAVE_COST * np.log2(F0_MAXIMUM * CANDIDATES / RATE)


def _window_autocorrelation() -> Float64:
    """That of the Hann window at the lags, 1 at lag zero: float64 (lags,)."""
    window = librosa.filters.get_window("hann", N_FFT)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(window)) ** 2)
    return np.asarray(correlation[LAGS] / correlation[0])


WINDOW_AUTOCORRELATION = _window_autocorrelation()
# Sum of the spectrum on both sides, for a mean square of 1.
SCALE = N_FFT * float(np.sum(librosa.filters.get_window("hann", N_FFT) ** 2))


def extract_prosody(audio: Float32) -> Float32:
    """Trims silence as for the MFCCs, then computes pitch, voicing and level of each frame.

    Args:
        audio: float32 (samples,), mono at 22,050 Hz, in [-1, 1].

    Returns:
        float32 (T, 3): see `prosody_of_spectra`.
    """
    speech, _ = librosa.effects.trim(audio, top_db=RECIPE.trim_top_db)
    spectra = np.abs(librosa.stft(speech.astype(np.float64), n_fft=N_FFT)) ** 2
    return prosody_of_spectra(spectra.T)


def prosody_of_spectra(spectra: Float64) -> Float32:
    """Pitch, voicing and level of power spectra.

    Args:
        spectra: (T, N_FFT / 2 + 1), of frames under a Hann window.

    Returns:
        float32 (T, 3): F0 in octaves above 27.5 Hz, 0 where unvoiced; degree of voicing in
        [0, 1]; level in decibels below full scale, at least -100.
    """
    power = _power(spectra)
    octaves, heights = _pitch(_autocorrelation(spectra, power))
    voicing = np.clip(heights, 0, 1)
    log_f0 = np.where(heights > VOICED_FROM, octaves, UNVOICED)
    level = 10 * np.log10(np.maximum(power, AMIN))
    return np.stack([log_f0, voicing, level], axis=1).astype(np.float32)


def _power(spectra: Float64) -> Float64:
    """Mean square of each frame under the window, by Parseval's theorem: (T,)."""
    both_sides = np.full(N_FFT // 2 + 1, 2.0)
    both_sides[[0, -1]] = 1
    return np.asarray(spectra @ both_sides / SCALE)


def _autocorrelation(spectra: Float64, power: Float64) -> Float64:
    """Normalised autocorrelation at the lags: (T, lags)."""
    band = spectra[:, BINS]
    cosines = np.cos(2 * np.pi / N_FFT * np.outer(BINS, LAGS))
    total = np.maximum(band.sum(axis=1), np.maximum(power * ROUNDING * SCALE, AMIN))
    return np.asarray(band @ (cosines / WINDOW_AUTOCORRELATION) / total[:, None])


def _pitch(correlation: Float64) -> tuple[Float64, Float64]:
    """Octaves above REFERENCE_HZ and height of the peak chosen in each frame: (T,) each."""
    before, here, after = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    is_peak = (here > before) & (here >= after)
    slope = (before - after) / 2
    shift = np.clip(slope / np.minimum(before - 2 * here + after, FLATTEST), -0.5, 0.5)
    heights = np.where(is_peak, here - slope * shift / 2, 0)
    octaves = np.log2(RATE / REFERENCE_HZ / (CANDIDATES + shift))
    scores = np.where(is_peak, heights - OCTAVE_COSTS, IMPOSSIBLE)

    def pick(scores: Float64) -> tuple[Float64, Float64]:
        best = scores.argmax(axis=1, keepdims=True)
        octave = np.take_along_axis(octaves, best, axis=1)
        return octave, np.take_along_axis(heights, best, axis=1)  # (T, 1) each

    def weigh(cost: float, height: Float64, expected: Float64) -> Float64:
        distance = np.abs(CANDIDATE_OCTAVES - expected)
        weight = cost * (1 - np.clip(height, 0, 1))
        return np.asarray(scores - weight * distance)

    octave, height = pick(scores)
    octave, height = pick(weigh(CLIP_COST, height, _mean_pitch(octave, height)))
    octave, height = pick(weigh(NEIGHBOUR_COST, height, _median_pitch(octave)))
    return octave[:, 0], height[:, 0]


def _mean_pitch(octave: Float64, height: Float64) -> Float64:
    """Mean over the clip, weighted by how far each frame is above the voicing threshold."""
    weight = np.maximum(height - VOICED_FROM, 0)
    return np.asarray((weight * octave).sum() / np.maximum(weight.sum(), 1e-6))


def _median_pitch(octave: Float64) -> Float64:
    """Median over each frame and its neighbours; the first and last frames are repeated."""
    padded = np.pad(octave[:, 0], NEIGHBOURS, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)
    return np.asarray(np.median(windows, axis=1, keepdims=True))
