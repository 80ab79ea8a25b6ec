"""The recipe in plain NumPy, with parameters for the mistakes that clients make.

The fingerprints of mistakes are computed with it. It shares no code with librosa, the extractor or
the tests, so that each verifies the others.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from training.arrays import Float64
from training.features.recipe import RECIPE

Window = Literal["hann", "hamming", "rectangular"]
Centring = Literal["constant", "reflect", "none"]  # padding with zeros, or of NumPy's mode
MelScale = Literal["slaney", "htk"]
Logarithm = Literal["decibels", "natural", "base 10", "none"]
Dct = Literal["orthonormal", "unscaled", "sum", "htk"]
Normalisation = Literal[
    "none",
    "mean of coefficients",
    "mean and deviation of coefficients",
    "deviation of coefficients",
    "mean of all",
    "mean and deviation of all",
    "mean and deviation of the vector",
]
Pooling = Literal["mean", "sum", "median", "first frame"]
AudioNormalisation = Literal["none", "peak", "mean and deviation"]


@dataclass(frozen=True)
class Computation:
    """One way to compute features; the defaults are the recipe."""

    gain: float = 1.0
    audio_normalisation: AudioNormalisation = "none"
    resampled_to: float = RECIPE.sample_rate  # Hz, of the samples that are framed
    assumed_rate: float = RECIPE.sample_rate  # Hz, for which the mel filters are made
    pre_emphasis: float = 0.0
    emphasis_after_trimming: bool = False
    trim_top_db: float | None = RECIPE.trim_top_db
    n_fft: int | None = RECIPE.n_fft  # None: the length of the clip
    whole_to_power_of_two: bool = False  # where `n_fft` is None
    hop_length: int | None = RECIPE.hop_length  # None: the length of a frame
    window: Window = "hann"
    window_length: int | None = None  # None: the length of a frame; a shorter one is zero-padded
    centring: Centring = "constant"
    exponent: float = 2.0  # of the magnitudes: 2 for power, 1 for amplitude
    n_mels: int = RECIPE.n_mels
    mel_scale: MelScale = "slaney"
    mel_norm: bool = True
    logarithm: Logarithm = "decibels"
    decibels_of_amplitude: bool = False
    offset: float = 0.0  # added to the mel spectrum before the logarithm
    top_db: float | None = RECIPE.top_db
    dct: Dct = "orthonormal"
    lifter: int = 0
    first_coefficient: int = 0
    n_mfcc: int = RECIPE.n_mfcc
    normalisation: Normalisation = "none"
    pooling: Pooling = "mean"

    def mel_spectra(self, resampled: Callable[[float], Float64]) -> Float64:
        """Mel spectra (T, n_mels) of audio (samples,) that is given at any rate in Hz."""
        speech = self._speech(resampled(self.resampled_to))
        n_fft = self.n_fft or self._whole(speech)
        filters = _mel_filters(self.mel_scale, self.mel_norm, self.n_mels, n_fft, self.assumed_rate)
        mel: Float64 = self._magnitudes(speech, n_fft) ** self.exponent @ filters
        return mel

    def before_mel(self) -> "Computation":
        """The same up to the mel spectra, with defaults for all later steps."""
        return replace(Computation(), **{name: getattr(self, name) for name in _UP_TO_MEL})

    def frames(self, mel: Float64) -> Float64:
        """Mel spectra (T, n_mels) to cepstra (T, n_mfcc)."""
        cepstra = self._levels(mel) @ self._dct_matrix() * self._lifter_weights()
        return _NORMALISATIONS[self.normalisation](cepstra)

    def pool(self, frames: Float64) -> Float64:
        """Cepstra (T, n_mfcc) to one vector (n_mfcc,)."""
        pooled: Float64 = _POOLINGS[self.pooling](frames)
        if self.normalisation == "mean and deviation of the vector":
            pooled = (pooled - pooled.mean()) / pooled.std()
        return pooled

    def _speech(self, audio: Float64) -> Float64:
        audio = _AUDIO_NORMALISATIONS[self.audio_normalisation](audio * self.gain)
        if not self.emphasis_after_trimming:
            audio = _emphasised(audio, self.pre_emphasis)
        if self.trim_top_db is not None:
            audio = _trimmed(audio, self.trim_top_db)
        if self.emphasis_after_trimming:
            audio = _emphasised(audio, self.pre_emphasis)
        return audio

    def _levels(self, mel: Float64) -> Float64:
        if self.logarithm == "none":
            return mel
        amin = 1e-5 if self.decibels_of_amplitude else RECIPE.amin
        levels = np.log10(np.maximum(mel + self.offset, amin))  # bels
        step = 20.0 if self.decibels_of_amplitude else 10.0
        if self.top_db is not None:
            levels = np.maximum(levels, levels.max() - self.top_db / step)
        units = {"decibels": step, "natural": float(np.log(10)), "base 10": 1.0}
        return np.asarray(levels * units[self.logarithm])

    def _whole(self, speech: Float64) -> int:
        """The length of a frame that covers the whole clip."""
        return 1 << (len(speech) - 1).bit_length() if self.whole_to_power_of_two else len(speech)

    def _magnitudes(self, speech: Float64, n_fft: int) -> Float64:
        """Magnitudes of the short-time Fourier transform, (T, bins)."""
        length = n_fft if self.n_fft else len(speech)
        short = _window(self.window_length or length, self.window)
        window = np.pad(short, (length - len(short)) // 2)
        if self.centring != "none":
            speech = np.pad(speech, len(window) // 2, mode=self.centring)
        windows = _windows(speech, len(window), self.hop_length or len(window)) * window
        return np.asarray(np.abs(np.fft.rfft(windows, n_fft)))

    def _dct_matrix(self) -> Float64:
        """The DCT-II as a matrix (n_mels, n_mfcc)."""
        numbers = self._numbers()
        basis = np.cos(np.pi / self.n_mels * np.outer(np.arange(self.n_mels) + 0.5, numbers))
        orthonormal = np.sqrt(np.where(numbers == 0, 1.0, 2.0) / self.n_mels)
        scales = {
            "orthonormal": orthonormal,
            "unscaled": 2.0,
            "sum": 1.0,
            "htk": np.sqrt(2 / self.n_mels),
        }
        return np.asarray(basis * scales[self.dct])

    def _lifter_weights(self) -> Float64:
        """Weights of a sinusoidal lifter (Young et al., The HTK Book), or ones."""
        if not self.lifter:
            return np.ones(self.n_mfcc)
        return 1 + self.lifter / 2 * np.sin(np.pi * self._numbers() / self.lifter)

    def _numbers(self) -> Float64:
        return self.first_coefficient + np.arange(float(self.n_mfcc))


# The fields that the mel spectra depend on.
_UP_TO_MEL = tuple(field.name for field in fields(Computation))
_UP_TO_MEL = _UP_TO_MEL[: _UP_TO_MEL.index("logarithm")]

_AUDIO_NORMALISATIONS: dict[AudioNormalisation, Callable[[Float64], Float64]] = {
    "none": lambda audio: audio,
    "peak": lambda audio: audio / np.abs(audio).max(),
    "mean and deviation": lambda audio: (audio - audio.mean()) / audio.std(),
}

_NORMALISATIONS: dict[Normalisation, Callable[[Float64], Float64]] = {
    "none": lambda frames: frames,
    "mean of coefficients": lambda frames: frames - frames.mean(axis=0),
    "mean and deviation of coefficients": lambda frames: (
        (frames - frames.mean(axis=0)) / frames.std(axis=0)
    ),
    "deviation of coefficients": lambda frames: frames / frames.std(axis=0),
    "mean of all": lambda frames: frames - frames.mean(),
    "mean and deviation of all": lambda frames: (frames - frames.mean()) / frames.std(),
    "mean and deviation of the vector": lambda frames: frames,  # by `pool`
}

_POOLINGS: dict[Pooling, Callable[[Float64], Float64]] = {
    "mean": lambda frames: frames.mean(axis=0),
    "sum": lambda frames: frames.sum(axis=0),
    "median": lambda frames: np.median(frames, axis=0),
    "first frame": lambda frames: frames[0],
}


def resample(audio: Float64, rate: float, source: float = RECIPE.sample_rate) -> Float64:
    """Resamples by the Fourier transform of the whole clip, between rates in Hz.

    The highest tenth of the band that both rates share fades out, as in common resamplers.
    """
    if rate == source:
        return audio
    count = round(len(audio) * rate / source)
    shared = np.fft.rfft(audio)[: count // 2 + 1]
    shared *= np.clip(10 * (1 - np.arange(len(shared)) / len(shared)), 0, 1)
    spectrum = np.pad(shared, (0, count // 2 + 1 - len(shared)))
    return np.asarray(np.fft.irfft(spectrum, count) * (count / len(audio)))


def _emphasised(audio: Float64, coefficient: float) -> Float64:
    if not coefficient:
        return audio
    return np.append(audio[0], audio[1:] - coefficient * audio[:-1])


def _trimmed(audio: Float64, top_db: float) -> Float64:
    length, hop = RECIPE.trim_frame_length, RECIPE.trim_hop_length
    windows = _windows(np.pad(audio, length // 2), length, hop)
    level = 10 * np.log10(np.maximum((windows**2).mean(axis=1), 1e-10))
    loud = np.flatnonzero(level > level.max() - top_db)
    return np.asarray(audio[loud[0] * hop : (loud[-1] + 1) * hop])


def _windows(audio: Float64, length: int, hop: int) -> Float64:
    return np.lib.stride_tricks.sliding_window_view(audio, length)[::hop]


def _window(length: int, name: Window) -> Float64:
    """A periodic window (length,), as for spectral analysis."""
    high, low = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "rectangular": (1.0, 0.0)}[name]
    return np.asarray(high - low * np.cos(2 * np.pi * np.arange(length) / length))


@lru_cache(maxsize=64)
def _mel_filters(scale: MelScale, norm: bool, n_mels: int, n_fft: int, rate: float) -> Float64:
    """Triangular filters between equally spaced mels, (bins, n_mels)."""
    to_mel, to_hertz = _SCALES[scale]
    edges = to_hertz(np.linspace(0, to_mel(np.array(rate / 2)), n_mels + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.fft.rfftfreq(n_fft, 1 / rate)[:, np.newaxis]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    weights: Float64 = np.maximum(0, np.minimum(rising, falling))
    return weights * (2 / (high - low)) if norm else weights


def _slaney_mel(hertz: Float64) -> Float64:
    """Auditory Toolbox (Slaney 1998): linear up to 1,000 Hz, logarithmic above."""
    above = 15 + 27 * np.log(np.maximum(hertz, 1000) / 1000) / np.log(6.4)
    return np.where(hertz < 1000, hertz * 3 / 200, above)


def _slaney_hertz(mel: Float64) -> Float64:
    above = 1000 * np.exp(np.log(6.4) / 27 * (np.maximum(mel, 15) - 15))
    return np.where(mel < 15, mel * 200 / 3, above)


# From hertz to mels, and back.
_SCALES: dict[MelScale, tuple[Callable[[Float64], Float64], Callable[[Float64], Float64]]] = {
    "slaney": (_slaney_mel, _slaney_hertz),
    "htk": (
        lambda hertz: 2595 * np.log10(1 + hertz / 700),
        lambda mel: 700 * (10 ** (mel / 2595) - 1),
    ),
}
