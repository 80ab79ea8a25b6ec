"""Reads recordings as mono audio at the sample rate of the recipe."""

from pathlib import Path

import librosa
import numpy as np
import soundfile

from training.arrays import Float32
from training.features.recipe import RECIPE

MINIMUM_SECONDS = 0.1


class UnusableAudioError(ValueError):
    """A recording from which no features can be extracted; the message gives the reason."""


def load_audio(path: Path) -> Float32:
    """Reads a file of a format that libsndfile knows, of any sample rate, mono or stereo.

    Returns:
        float32 (samples,), mono at 22,050 Hz, in [-1, 1].

    Raises:
        UnusableAudioError: not readable, under 0.1 s, not finite, or nothing but digital silence.
    """
    try:
        channels, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise UnusableAudioError(f"not readable as audio: {error}") from error
    if len(channels) < MINIMUM_SECONDS * rate:
        raise UnusableAudioError(f"{len(channels) / rate:.3f} s long; expected at least 0.1 s")
    if not np.isfinite(channels).all():
        raise UnusableAudioError("contains samples that are not finite numbers")
    if not channels.any():
        raise UnusableAudioError("digital silence")
    mono = channels.mean(axis=1)
    return librosa.resample(mono, orig_sr=rate, target_sr=RECIPE.sample_rate, res_type="soxr_hq")
