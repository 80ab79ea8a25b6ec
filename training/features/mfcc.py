"""The feature recipe in librosa's own calls: the reference for every other extractor."""

import librosa
import numpy as np

from training.arrays import Float32
from training.features.recipe import RECIPE


def extract_frames(audio: Float32) -> Float32:
    """Trims silence at both ends, then computes MFCCs.

    Args:
        audio: float32 (samples,), mono at the recipe's sample rate, in [-1, 1].

    Returns:
        float32 (T, 25), decibel cepstra, one row for each 23.2 ms.
    """
    speech, _ = librosa.effects.trim(audio, top_db=RECIPE.trim_top_db)
    mfcc = librosa.feature.mfcc(y=speech, sr=RECIPE.sample_rate, n_mfcc=RECIPE.n_mfcc)
    return np.ascontiguousarray(mfcc.T, dtype=np.float32)


def pool(frames: Float32) -> Float32:
    """Frames float32 (T, 25) to one vector float32 (25,), their arithmetic mean."""
    vector: Float32 = frames.mean(axis=0)
    return vector
