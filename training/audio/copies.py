"""Augmented copies of recordings: at other speeds, as other voices might speak, and in noise."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from training.arrays import Float32
from training.audio.effects import change_speed

SPEED = 0.15  # the copies of the MFCC vectors are faster or slower by up to this share
NOISE_RANGE = 20.0  # dB above the least ratio


@dataclass(frozen=True)
class Variant:
    """One augmented copy of a recording, the same on every machine."""

    number: int  # from 1
    speed: float = SPEED  # faster or slower by up to this share: pitch and tempo together
    noise_db: float | None = None  # the least signal-to-noise ratio; drawn up to 20 dB above it

    @property
    def folder(self) -> str:
        """Its folder in the feature cache."""
        noise = {} if self.noise_db is None else {"noise_db": self.noise_db}
        text = json.dumps({"speed": self.speed, **noise})
        return f"augmented-{hashlib.sha256(text.encode()).hexdigest()[:12]}-{self.number}"

    def apply(self, audio: Float32, content_hash: str) -> Float32:
        """The copy of `audio`; the recording's hash and the number seed the draws."""
        random = np.random.default_rng([int(content_hash, 16), self.number])
        if self.speed:
            audio = change_speed(audio, 1 + random.uniform(-self.speed, self.speed))
        if self.noise_db is not None:
            ratio = self.noise_db + random.uniform(0, NOISE_RANGE)
            deviation = np.sqrt(np.mean(np.square(audio)) / 10 ** (ratio / 10))
            audio = audio + deviation * random.standard_normal(len(audio)).astype(np.float32)
        return np.asarray(audio, np.float32)


def variants(
    count: int, speed: float = SPEED, noise_db: float | None = None
) -> tuple[Variant, ...]:
    """The first `count` copies."""
    return tuple(Variant(number, speed, noise_db) for number in range(1, count + 1))
