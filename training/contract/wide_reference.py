"""The reference clips at 48 kHz, as a phone records: for resampling and for the downmix.

They hold the sounds of the reference clip, which end at 8.4 kHz, and hisses between 15 and 20 kHz.
A low-pass filter removes these, and the wide gap between lets every usual filter agree. Without one
they alias to 2 to 7 kHz, most clearly in a pause.

In stereo, sounds lie to the left and to the right, and others cancel in the mean of the channels.
"""

import numpy as np

from training.contract.reference import (
    SEED,
    SOUNDS,
    A,
    O,
    Pcm,
    Sound,
    as_pcm,
    hiss,
    mixed,
    noise,
    vowel,
)

RATE = 48_000  # Hz
MONO_NAME = "reference-48000"
STEREO_NAME = "reference-48000-stereo"

HIGH_SOUNDS = (
    Sound(1.09, 1.26, (0.10, 0.08), hiss(15_000, 20_000)),  # with the s
    Sound(1.56, 1.75, (0.02, 0.06), hiss(15_000, 20_000)),  # in a pause
    Sound(1.90, 2.10, (0.05, 0.05), hiss(15_000, 20_000)),  # with a vowel
    Sound(2.19, 2.36, (0.06, 0.10), hiss(15_000, 20_000)),  # with the sh
)

# Of each sound, the share of its amplitude that moves from the right channel to the left.
PLACES = (0.0, 0.6, -0.3, 0.8, 0.5, -0.8, -0.6, 0.4, 0.7, -0.5)
HIGH_PLACES = (0.5, -0.7, 0.8, 0.3)
# Sounds that cancel in the mean: as they are in the left channel, turned over in the right.
CANCELLED = (
    Sound(0.90, 1.30, (0.10, 0.20), hiss(2_500, 5_000)),
    Sound(1.56, 1.76, (0.05, 0.02), vowel(A, O, (230, 180))),
    Sound(1.95, 2.50, (0.15, 0.08), hiss(400, 1_800)),
)
SOFTER = 0.5  # so that even the sum of the channels is not clipped


def mono_samples() -> Pcm:
    """The clip as int16 (samples,)."""
    random = np.random.default_rng(SEED + 1)
    return as_pcm(noise(RATE, random) + mixed((*SOUNDS, *HIGH_SOUNDS), RATE, random))


def stereo_samples() -> Pcm:
    """The clip as int16 (samples, 2), left and right."""
    random = np.random.default_rng(SEED + 2)
    channels = np.stack([noise(RATE, random), noise(RATE, random)])
    placed = zip((*SOUNDS, *HIGH_SOUNDS), (*PLACES, *HIGH_PLACES), strict=True)
    for sound, place in placed:
        channels += np.outer([1 + place, 1 - place], SOFTER * mixed([sound], RATE, random))
    channels += np.outer([1, -1], SOFTER * mixed(CANCELLED, RATE, random))
    return as_pcm(channels.T)
