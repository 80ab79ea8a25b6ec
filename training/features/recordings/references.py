"""The reference clips whose features go into the extractors for recordings."""

import numpy as np

from training.contract.fingerprints import Fingerprints
from training.contract.reference import as_audio, reference_samples, wav
from training.features.mfcc import extract_frames
from training.features.prosody import extract_prosody
from training.features.recipe import RECIPE
from training.features.recordings.metadata import ReferenceClip


def reference_clips() -> list[ReferenceClip]:
    """The clip at the recipe's rate."""
    samples = reference_samples()
    audio = as_audio(samples)
    right = Fingerprints(audio.astype(np.float64)).right()
    own = ReferenceClip(
        name="reference",
        content=wav(samples),
        sample_rate=RECIPE.sample_rate,
        channels=1,
        samples=len(samples),
        frames=extract_frames(audio),
        prosody=extract_prosody(audio),
        tolerance=right.as_json()["tolerance"],
    )
    return [own]
