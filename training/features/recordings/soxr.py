"""Resampling by librosa, as in training."""

import librosa

from training.arrays import Float32


def at_rate(audio: Float32, source: int, target: int) -> Float32:
    """Mono audio (samples,) from one rate in Hz to another."""
    if source == target:
        return audio
    return librosa.resample(audio, orig_sr=source, target_sr=target, res_type="soxr_hq")
