"""The reference clips whose features go into the extractors for recordings."""

import numpy as np

from training.contract import wide_reference
from training.contract.fingerprints import Fingerprints
from training.contract.recording_fingerprints import recording_catalogue
from training.contract.reference import Pcm, as_audio, reference_samples, wav
from training.features.mfcc import extract_frames
from training.features.prosody import extract_prosody
from training.features.recipe import RECIPE
from training.features.recordings.metadata import ReferenceClip
from training.features.recordings.soxr import at_rate


def reference_clips() -> list[ReferenceClip]:
    """The clip at the recipe's rate, and the two at 48 kHz."""
    return [
        _own_clip(),
        _wide_clip(wide_reference.MONO_NAME, wide_reference.mono_samples()),
        _wide_clip(wide_reference.STEREO_NAME, wide_reference.stereo_samples()),
    ]


def _own_clip() -> ReferenceClip:
    samples = reference_samples()
    audio = as_audio(samples)
    right = Fingerprints.at_the_recipes_rate(audio.astype(np.float64)).right()
    return ReferenceClip(
        name="reference",
        content=wav(samples),
        sample_rate=RECIPE.sample_rate,
        channels=1,
        samples=len(samples),
        frames=extract_frames(audio),
        prosody=extract_prosody(audio),
        tolerance=right.as_json()["tolerance"],
    )


def _wide_clip(name: str, samples: Pcm) -> ReferenceClip:
    rate = wide_reference.RATE
    channels = as_audio(samples).reshape(len(samples), -1)
    audio = at_rate(channels.mean(axis=1), rate, RECIPE.sample_rate)
    mistakes = recording_catalogue(channels.astype(np.float64), rate)
    return ReferenceClip(
        name=name,
        content=wav(samples, rate),
        sample_rate=rate,
        channels=channels.shape[1],
        samples=len(samples),
        frames=extract_frames(audio),
        prosody=extract_prosody(audio),
        tolerance=mistakes["right"]["tolerance"],
        mistakes=mistakes,
    )
