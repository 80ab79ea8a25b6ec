"""Clients with mistakes, written with librosa, SciPy and python_speech_features.

They share no code with the measurement of the fingerprints.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
import python_speech_features  # type: ignore[import-untyped]
import scipy.fft
import scipy.signal
import scipy.stats
import soundfile
import soxr

from configuration import ROOT

Array = npt.NDArray[Any]
Client = Callable[[], Array]  # -> frames (T, coefficients) or a vector (coefficients,)

CLIP = ROOT / "models" / "reference.wav"
RATE = 22_050
RATES = (8_000, 16_000, 44_100, 48_000)


@cache
def audio() -> Array:
    samples: Array = soundfile.read(CLIP, dtype="float32")[0]
    samples.setflags(write=False)
    return samples


@cache
def spoken() -> Array:
    """The clip without the silence at both ends."""
    return trimmed(audio())


def trimmed(samples: Array, top_db: float = 30) -> Array:
    speech: Array = librosa.effects.trim(samples, top_db=top_db)[0]
    return speech


def frames(speech: Array | None = None, sr: float = RATE, **options: Any) -> Array:
    """Frames of the recipe, except for the given options."""
    y = spoken() if speech is None else speech
    cepstra: Array = librosa.feature.mfcc(y=y, sr=sr, **{"n_mfcc": 25, **options})
    return cepstra.T


def mel(power: float = 2.0, **options: Any) -> Array:
    """Mel spectra (bands, T)."""
    spectra: Array = librosa.feature.melspectrogram(y=spoken(), sr=RATE, power=power, **options)
    return spectra


def cepstra(levels: Array, norm: str | None = "ortho", first: int = 0, count: int = 25) -> Array:
    """Levels (bands, T) to frames, with SciPy."""
    transformed: Array = scipy.fft.dct(levels, axis=0, type=2, norm=norm)
    return transformed[first : first + count].T


def decibels(power: Array) -> Array:
    levels: Array = 10 * np.log10(np.maximum(power, 1e-10))
    floored: Array = np.maximum(levels, levels.max() - 80)
    return floored


def spectra(
    window: str | Array = "hann",
    length: int = 2_048,
    hop: int = 512,
    speech: Array | None = None,
    **options: Any,
) -> Array:
    """Mel spectra (bands, T) from SciPy's short-time Fourier transform, without its scaling."""
    y = spoken() if speech is None else speech
    values = scipy.signal.get_window(window, length) if isinstance(window, str) else window
    padded = np.pad(y, length // 2)
    _, _, stft = scipy.signal.stft(
        padded,
        window=values,
        nperseg=length,
        noverlap=length - hop,
        boundary=None,
        padded=False,
        **options,
    )
    power = np.abs(stft * values.sum()) ** 2
    return filtered(power)


def filtered(power: Array) -> Array:
    """Power spectra (bins, T) to mel spectra (bands, T)."""
    bands: Array = librosa.filters.mel(sr=RATE, n_fft=2 * len(power) - 2) @ power
    return bands


def psf_spectra() -> Array:
    """Mel spectra (bands, T) with the framing of python_speech_features."""
    framed = python_speech_features.sigproc.framesig(
        np.pad(spoken(), 1_024), 2_048, 512, winfunc=scipy.signal.windows.hann
    )
    power = python_speech_features.sigproc.powspec(framed, 2_048).T
    return filtered(power)


def emphasised(samples: Array, coefficient: float = 0.97) -> Array:
    return np.asarray(python_speech_features.sigproc.preemphasis(samples, coefficient), np.float32)


def whole_clip(speech: Array, **options: Any) -> Array:
    size = len(speech)
    return frames(speech, n_fft=size, **{"hop_length": size + 1, "center": False, **options})


def tarsosdsp(samples: Array) -> Array:
    """A literal translation of MFCC.java in the version that the Android client contains."""
    size, bands = 44_100, 30
    frame = np.zeros(size)
    frame[: len(samples[:size])] = samples[:size]
    magnitudes = np.abs(scipy.fft.rfft(frame * scipy.signal.windows.hamming(size)))
    low, high = (2_595 * np.log10(1 + f / 700) for f in (133.3334, 11_025))
    centres = [0] * (bands + 2)
    centres[bands + 1] = size // 2
    for i in range(1, bands + 1):
        hertz = 700 * (10 ** ((low + (high - low) / (bands + 1) * i) / 2_595) - 1)
        centres[i - 1] = round(hertz / RATE * size)
    levels = []
    for before, peak, after in zip(centres, centres[1:], centres[2:], strict=False):
        total = 0.0
        for i in range(before, peak + 1):
            total += magnitudes[i] * (i - before + 1) / (peak - before + 1)
        for i in range(peak + 1, after + 1):
            total += magnitudes[i] * (1 - (i - peak) / (after - peak + 1))
        levels.append(np.log(total))
    coefficients = range(25)
    return np.array(
        [
            sum(level * np.cos(np.pi * c / bands * (j + 0.5)) for j, level in enumerate(levels))
            for c in coefficients
        ]
    )


def at_rate(rate: int) -> list[tuple[str, str, Client]]:
    """Wrong uses of the sample rate, with several resamplers."""
    y = audio()

    def polyphase() -> Array:
        resampled = scipy.signal.resample_poly(y, rate // 50, RATE // 50)
        return frames(trimmed(resampled.astype(np.float32)), sr=rate)

    ways: dict[str, Client] = {
        "filters for another rate": lambda: frames(sr=rate),
        "librosa at another rate": lambda: frames(
            trimmed(librosa.resample(y, orig_sr=RATE, target_sr=rate)), sr=rate
        ),
        "polyphase to another rate": polyphase,
        "another rate called 22,050 Hz": lambda: frames(trimmed(soxr.resample(y, RATE, rate))),
        "resampled from the wrong rate": lambda: frames(trimmed(soxr.resample(y, rate, RATE))),
    }
    return [(f"sample-rate-{rate}", way, client) for way, client in ways.items()]


def sample_mistakes() -> list[tuple[str, str, Client]]:
    """Mistakes in scale, emphasis and sample rate."""
    y, speech = audio(), spoken()
    integers: Array = soundfile.read(CLIP, dtype="int16")[0]
    cases: list[tuple[str, str, Client]] = [
        ("samples-not-scaled", "int16", lambda: frames(trimmed(integers.astype(np.float32)))),
        ("samples-not-scaled", "x 32,767", lambda: frames(trimmed(y * 32_767))),
        ("amplitude-scale", "half as loud", lambda: frames(trimmed(y / 2))),
        ("audio-normalised", "peak", lambda: frames(trimmed(librosa.util.normalize(y)))),
        ("pre-emphasis", "librosa", lambda: frames(trimmed(librosa.effects.preemphasis(y)))),
        ("pre-emphasis", "psf", lambda: frames(trimmed(emphasised(y)))),
        ("pre-emphasis", "after trimming", lambda: frames(emphasised(speech))),
        ("pre-emphasis", "0.95", lambda: frames(trimmed(emphasised(y, 0.95)))),
        ("silence-not-trimmed", "librosa", lambda: frames(y)),
        ("silence-not-trimmed", "scipy", lambda: cepstra(decibels(spectra(speech=y)))),
        ("trimming-threshold", "librosa's default", lambda: frames(trimmed(y, 60))),
        ("trimming-threshold", "20 dB", lambda: frames(trimmed(y, 20))),
        ("tarsosdsp-android-client", "the second second", lambda: tarsosdsp(y[RATE:])),
        ("tarsosdsp-android-client", "from the start", lambda: tarsosdsp(y)),
    ]
    return cases + [case for rate in RATES for case in at_rate(rate)]


def framing_mistakes() -> list[tuple[str, str, Client]]:
    """Mistakes in frames and windows."""
    y, speech = audio(), spoken()
    twice = {"center": True, "hop_length": len(speech)}
    return [
        ("window-hamming", "librosa", lambda: frames(window="hamming")),
        ("window-hamming", "symmetric", lambda: cepstra(decibels(spectra(np.hamming(2_048))))),
        ("window-rectangular", "librosa", lambda: frames(window="boxcar")),
        ("window-rectangular", "scipy", lambda: cepstra(decibels(spectra("boxcar")))),
        ("no-centring", "librosa", lambda: frames(center=False)),
        ("reflection-padding", "librosa", lambda: frames(pad_mode="reflect")),
        ("frame-length-512", "librosa", lambda: frames(n_fft=512)),
        ("frame-length-512", "quarter", lambda: frames(n_fft=512, hop_length=128)),
        ("frame-length-512", "half", lambda: cepstra(decibels(spectra(length=512, hop=256)))),
        ("frame-length-512", "short window", lambda: frames(win_length=512)),
        ("frame-length-1024", "librosa", lambda: frames(n_fft=1_024)),
        ("frame-length-1024", "quarter", lambda: frames(n_fft=1_024, hop_length=256)),
        ("whole-clip-frame", "librosa", lambda: whole_clip(speech)),
        ("whole-clip-frame", "untrimmed", lambda: whole_clip(y)),
        ("whole-clip-frame", "rectangular", lambda: whole_clip(speech, window="boxcar")),
        ("whole-clip-frame", "Hamming", lambda: whole_clip(speech, window="hamming")),
        ("whole-clip-frame", "centred", lambda: whole_clip(speech, center=True)),
        ("whole-clip-frame", "centred twice", lambda: whole_clip(speech, **twice)),
    ]


def spectral_mistakes() -> list[tuple[str, str, Client]]:
    """Mistakes in spectrum, mel filters and logarithm."""
    floored = decibels(mel()) / 10 * np.log(10)
    cases: list[tuple[str, str, Client]] = [
        ("amplitude-scale", "power / 2,048", lambda: cepstra(decibels(psf_spectra()))),
        ("amplitude-spectrum", "to_db", lambda: frames(S=librosa.power_to_db(mel(power=1)))),
        ("amplitude-spectrum", "a_db", lambda: frames(S=librosa.amplitude_to_db(mel(power=1)))),
        ("mel-scale-htk", "librosa", lambda: frames(htk=True)),
        ("mel-filters-without-area-norm", "librosa", lambda: frames(mel_norm=None)),
        ("natural-logarithm", "plain", lambda: cepstra(np.log(mel()))),
        ("natural-logarithm", "1e-10", lambda: cepstra(np.log(np.maximum(mel(), 1e-10)))),
        ("natural-logarithm", "+ 1e-6", lambda: cepstra(np.log(mel() + 1e-6))),
        ("natural-logarithm", "floored", lambda: cepstra(floored)),
        ("natural-logarithm", "scipy", lambda: cepstra(np.log(spectra()))),
        ("base-10-logarithm", "plain", lambda: cepstra(np.log10(mel()))),
        ("base-10-logarithm", "+ 1e-10", lambda: cepstra(np.log10(mel() + 1e-10))),
        ("base-10-logarithm", "floored", lambda: frames() / 10),
        ("no-logarithm", "librosa", lambda: frames(S=mel())),
        ("no-logarithm", "scipy", lambda: cepstra(spectra())),
        ("no-floor", "librosa", lambda: frames(S=librosa.power_to_db(mel(), top_db=None))),
        ("no-floor", "scipy", lambda: cepstra(10 * np.log10(spectra() + 1e-12))),
    ]
    return cases + [
        (f"mel-bands-{bands}", "librosa", partial(frames, n_mels=bands))
        for bands in (20, 26, 40, 64, 80)
    ]


def cepstral_mistakes() -> list[tuple[str, str, Client]]:
    """Mistakes in cosine transform, normalisation and pooling."""
    return [
        ("dct-not-orthonormal", "scipy", lambda: cepstra(decibels(mel()), norm=None)),
        ("dct-not-orthonormal", "halved", lambda: cepstra(decibels(mel()), norm=None) / 2),
        ("coefficient-0-left-out", "1 to 25", lambda: frames(n_mfcc=26)[:, 1:]),
        ("coefficient-0-left-out", "1 to 24", lambda: frames()[:, 1:]),
        ("coefficient-0-left-out", "scipy", lambda: cepstra(decibels(spectra()), first=1)),
        ("number-of-coefficients", "13", lambda: frames(n_mfcc=13)),
        ("number-of-coefficients", "40", lambda: frames(n_mfcc=40)),
        ("liftering", "psf", lambda: python_speech_features.lifter(frames(), 22)),
        ("mean-normalisation", "frames", lambda: frames() - frames().mean(axis=0)),
        ("mean-normalisation", "z-score", lambda: scipy.stats.zscore(frames(), axis=0)),
        ("mean-normalisation", "vector", lambda: scipy.stats.zscore(frames().mean(axis=0))),
        ("variance-normalisation", "frames", lambda: frames() / frames().std(axis=0)),
        ("pooling-sum", "numpy", lambda: frames().sum(axis=0)),
        ("pooling-median", "numpy", lambda: np.median(frames(), axis=0)),
        ("first-frame-only", "numpy", lambda: frames()[0]),
    ]


def pairs() -> list[tuple[set[str], Client]]:
    """Two mistakes at once."""
    y = audio()
    whole = decibels(spectra(speech=y))
    return [
        (
            {"mel-scale-htk", "mel-filters-without-area-norm"},
            lambda: frames(htk=True, mel_norm=None),
        ),
        ({"natural-logarithm", "mel-scale-htk"}, lambda: cepstra(np.log(mel(htk=True)))),
        ({"natural-logarithm", "mel-bands-26"}, lambda: cepstra(np.log(mel(n_mels=26)))),
        ({"natural-logarithm", "silence-not-trimmed"}, lambda: cepstra(np.log(spectra(speech=y)))),
        ({"natural-logarithm", "dct-not-orthonormal"}, lambda: cepstra(np.log(mel()), norm=None)),
        ({"samples-not-scaled", "silence-not-trimmed"}, lambda: frames(y * 32_768)),
        ({"samples-not-scaled", "no-logarithm"}, lambda: frames(S=mel() * 32_768.0**2)),
        ({"silence-not-trimmed", "mel-bands-40"}, lambda: frames(y, n_mels=40)),
        ({"silence-not-trimmed", "window-hamming"}, lambda: frames(y, window="hamming")),
        ({"silence-not-trimmed", "coefficient-0-left-out"}, lambda: cepstra(whole, first=1)),
        ({"silence-not-trimmed", "pooling-sum"}, lambda: frames(y).sum(axis=0)),
        ({"silence-not-trimmed", "sample-rate-44100"}, lambda: frames(y, sr=44_100)),
        ({"sample-rate-16000", "mel-scale-htk"}, lambda: frames(sr=16_000, htk=True)),
        ({"sample-rate-16000", "frame-length-512"}, lambda: frames(sr=16_000, n_fft=512)),
        ({"frame-length-512", "mel-bands-40"}, lambda: frames(n_fft=512, n_mels=40)),
        ({"frame-length-1024", "no-centring"}, lambda: frames(n_fft=1_024, center=False)),
        ({"pre-emphasis", "mel-bands-26"}, lambda: frames(trimmed(emphasised(y)), n_mels=26)),
        ({"pooling-median", "mel-scale-htk"}, lambda: np.median(frames(htk=True), axis=0)),
        ({"number-of-coefficients", "mel-bands-40"}, lambda: frames(n_mels=40, n_mfcc=13)),
        ({"amplitude-scale", "mel-scale-htk"}, lambda: frames(trimmed(y / 3), htk=True)),
    ]
