"""Clients that resample and mix recordings, rightly and wrongly, written with audio libraries.

They share no code with the measurement of the fingerprints.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import librosa
import numpy as np
import python_speech_features  # type: ignore[import-untyped]
import scipy.interpolate
import scipy.ndimage
import scipy.signal
import soundfile
import soxr
import torch

from configuration import ROOT
from tests.training.contract.wrong_clients import Array, cepstra, emphasised, frames, trimmed

SOURCE, RATE = 48_000, 22_050
UP, DOWN = 147, 320  # RATE / SOURCE
MONO, STEREO = "reference-48000", "reference-48000-stereo"
Resampler = Callable[[Array], Array]  # mono (samples,) at SOURCE to (samples',) at RATE


@cache
def recording(name: str) -> Array:
    """A reference as float32 (samples, channels)."""
    samples: Array = soundfile.read(
        ROOT / "models" / f"{name}.wav", dtype="float32", always_2d=True
    )[0]
    samples.setflags(write=False)
    return samples


@cache
def mono(name: str) -> Array:
    return librosa.to_mono(recording(name).T)


@cache
def resampled(name: str) -> Array:
    """The right resampling of the right downmix."""
    return librosa.resample(mono(name), orig_sr=SOURCE, target_sr=RATE, res_type="soxr_hq")


def features(audio: Array) -> Array:
    """The right features of audio at RATE, (T, 25)."""
    return frames(trimmed(audio.astype(np.float32)))


def soxr_of(quality: str) -> Resampler:
    return lambda audio: soxr.resample(audio, SOURCE, RATE, quality)


def windowed_sinc(zero_crossings: int, window: Any, roll_off: float) -> Resampler:
    """A filter of so many zero crossings on either side, as in media frameworks of phones."""
    reach = int(zero_crossings * DOWN / roll_off)
    taps = scipy.signal.firwin(2 * reach + 1, roll_off / DOWN, window=window) * UP

    def resample(audio: Array) -> Array:
        long = scipy.signal.upfirdn(taps, audio, UP, DOWN)
        start = reach / DOWN
        count = -(-len(audio) * UP // DOWN)
        return np.asarray(long[round(start) :][:count])

    return resample


def good_resamplers() -> dict[str, Resampler]:
    return {
        "soxr VHQ": soxr_of("VHQ"),
        "soxr HQ": soxr_of("HQ"),
        "soxr MQ": soxr_of("MQ"),
        "soxr LQ": soxr_of("LQ"),
        "scipy polyphase": lambda audio: scipy.signal.resample_poly(audio, UP, DOWN),
        "scipy FFT": lambda audio: scipy.signal.resample(audio, -(-len(audio) * UP // DOWN)),
        "16 zero crossings, Hann": windowed_sinc(16, "hann", 1.0),
        "16 zero crossings, Hamming": windowed_sinc(16, "hamming", 1.0),
        "16 zero crossings, Kaiser, as resampy's fast": windowed_sinc(16, ("kaiser", 8.55), 0.85),
        "64 zero crossings, Kaiser, as resampy's best": windowed_sinc(64, ("kaiser", 14.77), 0.947),
        "6 zero crossings, Hann, as torchaudio": windowed_sinc(6, "hann", 0.99),
        "through 44.1 kHz": lambda audio: soxr.resample(
            soxr.resample(audio, SOURCE, 44_100), 44_100, RATE
        ),
    }


def interpolation(kind: str) -> Resampler:
    """SciPy's interpolation at the places of the new samples."""

    def resample(audio: Array) -> Array:
        places = np.arange(len(audio) * UP // DOWN) * (SOURCE / RATE)
        return np.asarray(scipy.interpolate.interp1d(np.arange(len(audio)), audio, kind)(places))

    return resample


def zoomed(order: int) -> Resampler:
    return lambda audio: scipy.ndimage.zoom(audio, RATE / SOURCE, order=order)


def torch_of(mode: str) -> Resampler:
    def resample(audio: Array) -> Array:
        batch = torch.from_numpy(audio.copy())[None, None]
        shorter = torch.nn.functional.interpolate(batch, scale_factor=UP / DOWN, mode=mode)
        return np.asarray(shorter[0, 0])

    return resample


def by_numpy(audio: Array) -> Array:
    places = np.arange(0, len(audio) - 1, SOURCE / RATE)
    return np.asarray(np.interp(places, np.arange(len(audio)), audio))


def bad_resamplers() -> list[tuple[str, str, Resampler]]:
    """Code of the mistake, how it is made, and the resampler."""
    return [
        ("resampling-linear", "np.interp", by_numpy),
        ("resampling-linear", "interp1d", interpolation("linear")),
        ("resampling-linear", "zoom", zoomed(1)),
        ("resampling-linear", "torch", torch_of("linear")),
        ("resampling-nearest", "interp1d", interpolation("nearest")),
        ("resampling-nearest", "hold", interpolation("previous")),
        ("resampling-nearest", "zoom", zoomed(0)),
        ("resampling-nearest", "torch", torch_of("nearest")),
        ("resampling-no-low-pass", "cubic interp1d", interpolation("cubic")),
        ("resampling-no-low-pass", "zoom", zoomed(3)),
        ("resampling-no-low-pass", "soxr QQ", soxr_of("QQ")),
        (
            "resampling-no-low-pass",
            "every second sample of 44.1 kHz",
            lambda audio: soxr.resample(audio, SOURCE, 44_100)[::2],
        ),
    ]


def bad_downmixes() -> list[tuple[str, str, Callable[[], Array]]]:
    """Code of the mistake, how it is made, and the mono audio at SOURCE."""
    both = recording(STEREO)
    return [
        ("downmix-one-channel", "left", lambda: both[:, 0]),
        ("downmix-one-channel", "right", lambda: both[:, 1]),
        ("downmix-sum", "floats", lambda: both.sum(axis=1)),
    ]


def wrong_features(name: str) -> list[tuple[str, str, Callable[[], Array]]]:
    """Mistakes in the features, after the right downmix and resampling or in its place."""
    y, speech = resampled(name), trimmed(resampled(name))
    source = mono(name)

    def mel(**options: Any) -> Array:
        return librosa.feature.melspectrogram(y=speech, sr=RATE, **options)

    return [
        ("sample-rate-48000", "not resampled", lambda: frames(trimmed(source))),
        (
            "sample-rate-48000",
            "the features at 48 kHz",
            lambda: frames(trimmed(source), sr=SOURCE),
        ),
        ("sample-rate-48000", "filters for 48 kHz", lambda: frames(speech, sr=SOURCE)),
        (
            "sample-rate-44100",
            "resampled as from 44.1 kHz",
            lambda: features(soxr.resample(source, 44_100, RATE)),
        ),
        (
            "sample-rate-44100",
            "the features at 44.1 kHz",
            lambda: frames(trimmed(soxr.resample(source, SOURCE, 44_100)), sr=44_100),
        ),
        (
            "sample-rate-16000",
            "resampled to 16 kHz",
            lambda: frames(trimmed(soxr.resample(source, SOURCE, 16_000)), sr=16_000),
        ),
        ("samples-not-scaled", "int16", lambda: features(y * 32_768)),
        ("amplitude-scale", "a third as loud", lambda: features(y / 3)),
        ("audio-normalised", "peak", lambda: features(librosa.util.normalize(y))),
        ("silence-not-trimmed", "librosa", lambda: frames(y)),
        ("trimming-threshold", "60 dB", lambda: frames(trimmed(y, 60))),
        ("pre-emphasis", "psf", lambda: features(emphasised(y))),
        ("mel-scale-htk", "librosa", lambda: frames(speech, htk=True)),
        ("mel-filters-without-area-norm", "librosa", lambda: frames(speech, mel_norm=None)),
        ("mel-bands-26", "librosa", lambda: frames(speech, n_mels=26)),
        ("mel-bands-40", "librosa", lambda: frames(speech, n_mels=40)),
        ("natural-logarithm", "+ 1e-6", lambda: cepstra(np.log(mel() + 1e-6))),
        ("natural-logarithm", "1e-10", lambda: cepstra(np.log(np.maximum(mel(), 1e-10)))),
        ("no-logarithm", "librosa", lambda: frames(S=mel())),
        ("amplitude-spectrum", "to_db", lambda: frames(S=librosa.power_to_db(mel(power=1)))),
        ("no-floor", "librosa", lambda: frames(S=librosa.power_to_db(mel(), top_db=None))),
        ("dct-not-orthonormal", "librosa", lambda: frames(speech, norm=None)),
        ("coefficient-0-left-out", "1 to 25", lambda: frames(speech, n_mfcc=26)[:, 1:]),
        ("number-of-coefficients", "13", lambda: frames(speech, n_mfcc=13)),
        ("liftering", "psf", lambda: python_speech_features.lifter(frames(speech), 22)),
        ("mean-normalisation", "frames", lambda: frames(speech) - frames(speech).mean(axis=0)),
        ("variance-normalisation", "frames", lambda: frames(speech) / frames(speech).std(axis=0)),
        ("pooling-sum", "numpy", lambda: frames(speech).sum(axis=0)),
        ("pooling-median", "numpy", lambda: np.median(frames(speech), axis=0)),
        ("first-frame-only", "numpy", lambda: frames(speech)[0]),
        ("whole-clip-frame", "librosa", lambda: _whole(speech)),
        ("window-hamming", "librosa", lambda: frames(speech, window="hamming")),
        ("window-rectangular", "librosa", lambda: frames(speech, window="boxcar")),
        ("no-centring", "librosa", lambda: frames(speech, center=False)),
        ("reflection-padding", "librosa", lambda: frames(speech, pad_mode="reflect")),
        ("frame-length-512", "librosa", lambda: frames(speech, n_fft=512)),
        ("frame-length-1024", "librosa", lambda: frames(speech, n_fft=1_024)),
        ("transposed-frames", "librosa", lambda: frames(speech).T),
    ]


def _whole(speech: Array) -> Array:
    size = len(speech)
    return frames(speech, n_fft=size, hop_length=size + 1, center=False)
