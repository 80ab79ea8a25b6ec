"""Waveform augmentation: each training clip also as other voices might have spoken it."""

import hashlib
import json
from dataclasses import asdict, dataclass

import librosa
import numpy as np

from training.arrays import Float32


@dataclass(frozen=True)
class Augmentation:
    """What the variants of a clip are drawn from, uniformly.

    `digest` names it in the feature cache: other ranges are other features.
    """

    speed: float = 0.15  # faster or slower by up to this: pitch, formants and tempo together

    def digest(self) -> str:
        """A short hash that changes when any range does."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """One variant of `audio`: float32 (samples,), mono, any rate; so is what comes back."""
        speed = 1 + random.uniform(-self.speed, self.speed)
        return librosa.resample(audio, orig_sr=speed, target_sr=1.0, res_type="soxr_mq")


AUGMENTATION = Augmentation()


@dataclass(frozen=True)
class Variant:
    """One augmented copy of a recording, the same on every machine."""

    number: int  # from 1
    augmentation: Augmentation = AUGMENTATION

    @property
    def folder(self) -> str:
        """Its folder in the feature cache."""
        return f"augmented-{self.augmentation.digest()}-{self.number}"

    def apply(self, audio: Float32, content: str) -> Float32:
        """The copy of `audio`; the recording's hash and the number decide what is drawn."""
        return self.augmentation.apply(
            audio, np.random.default_rng([int(content, 16), self.number])
        )


def variants(count: int) -> tuple[Variant, ...]:
    """The first `count` of them."""
    return tuple(Variant(number) for number in range(1, count + 1))
