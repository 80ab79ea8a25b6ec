"""Speed perturbation: copies of each training clip as other voices might have spoken it."""

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np

from training.arrays import Float32
from training.audio.effects import change_speed


@dataclass(frozen=True)
class SpeedPerturbation:
    """The range of uniform draws. Its digest is part of the cache's folder names."""

    speed: float = 0.15  # faster or slower by up to this share

    def digest(self) -> str:
        """A short hash that changes when the range does."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]

    def apply(self, audio: Float32, random: np.random.Generator) -> Float32:
        """One copy of `audio`, float32 (samples,), at a random speed."""
        return change_speed(audio, 1 + random.uniform(-self.speed, self.speed))


SPEED_PERTURBATION = SpeedPerturbation()


@dataclass(frozen=True)
class Variant:
    """One augmented copy of a recording, the same on every machine."""

    number: int  # from 1
    augmentation: SpeedPerturbation = SPEED_PERTURBATION

    @property
    def folder(self) -> str:
        """Its folder in the feature cache."""
        return f"augmented-{self.augmentation.digest()}-{self.number}"

    def apply(self, audio: Float32, content_hash: str) -> Float32:
        """The copy of `audio`; the recording's hash and the number seed the draw."""
        return self.augmentation.apply(
            audio, np.random.default_rng([int(content_hash, 16), self.number])
        )


def variants(count: int) -> tuple[Variant, ...]:
    """The first `count` copies."""
    return tuple(Variant(number) for number in range(1, count + 1))
