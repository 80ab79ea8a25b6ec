"""Mel spectra of utterances at several speeds and in several rooms, on disk.

Noise, gain and trimming are applied to these spectra anew each time that an utterance is drawn:
that needs no waveform.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.arrays import Float32
from training.audio.effects import change_speed, reverberate
from training.audio.mel import Decibels, spectrum
from training.features.loading import load_audio
from training.features.recipe import RECIPE
from training.storage.atomic_write import write_array
from training.storage.scheduling import Scheduler


@dataclass(frozen=True)
class Variants:
    """The variants of an utterance that are kept, and the ranges that they are drawn from."""

    dry: int = 14  # each at another speed, spread evenly over the range
    rooms: int = 4  # with the reverberation of a room
    speed: float = 0.22  # the logarithm of the speed lies within +-0.22: factors 0.80 to 1.25
    room_speed: float = 0.15
    reverberation: tuple[float, float] = (0.15, 0.7)  # seconds in which it decays by 60 dB
    direct_to_reverberant: tuple[float, float] = (0.0, 12.0)  # decibels

    def digest(self) -> str:
        """A short hash that changes when any number does."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]

    def of(self, audio: Float32, random: np.random.Generator) -> Iterator[Float32]:
        """The recording, float32 (samples,) at 22,050 Hz, then its variants."""
        yield audio
        for step in range(self.dry):
            position = 2 * (step + random.random()) / self.dry - 1
            yield change_speed(audio, math.exp(position * self.speed))
        for _ in range(self.rooms):
            speed = math.exp(random.uniform(-self.room_speed, self.room_speed))
            t60 = random.uniform(*self.reverberation)
            ratio = random.uniform(*self.direct_to_reverberant)
            yield reverberate(change_speed(audio, speed), t60, ratio, random)


VARIANTS = Variants()


@dataclass(frozen=True)
class Spectra:
    """The spectra of one utterance: variant 0 is the recording, then dry ones, then rooms."""

    decibels: Decibels  # (frames of all variants, 1 + 128), memory-mapped
    ends: npt.NDArray[np.int64]  # (variants,), the index after the last frame of each variant

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, variant: int) -> Decibels:
        start = self.ends[variant - 1] if variant else 0
        return self.decibels[start : self.ends[variant]]


@dataclass(frozen=True)
class SpectraCache:
    """Spectra on disk, by recipe, settings of the variants and content of the recording."""

    directory: Path
    variants: Variants = VARIANTS

    def _path(self, content_hash: str, kind: str) -> Path:
        folder = f"mel-{RECIPE.digest()}-{self.variants.digest()}"
        return self.directory / folder / f"{content_hash}.{kind}.npy"

    def fill(self, recordings: Mapping[str, Path], scheduler: Scheduler) -> None:
        """Extracts the spectra of recordings, by content hash, that have none yet."""
        lacking = [
            (content, path)
            for content, path in recordings.items()
            if not self._path(content, "ends").exists()
        ]
        scheduler.run(self._extract, lacking, "spectra", "clip")

    def _extract(self, recording: tuple[str, Path]) -> None:
        content, path = recording
        self.write(content, load_audio(path))

    def write(self, content_hash: str, audio: Float32) -> None:
        """Computes the spectra of `audio` and writes them; the content hash seeds the draws."""
        random = np.random.default_rng(int(content_hash, 16))
        parts = [spectrum(variant) for variant in self.variants.of(audio, random)]
        ends = np.cumsum([len(part) for part in parts])
        # `fill` looks for the ends, so they are written last.
        for kind, array in (("decibels", np.concatenate(parts)), ("ends", ends)):
            write_array(self._path(content_hash, kind), array)

    def read(self, content_hash: str) -> Spectra:
        """The spectra of the recording with this content hash."""
        decibels = np.load(self._path(content_hash, "decibels"), mmap_mode="r")
        # Slicing a plain array over the same memory is several times faster.
        return Spectra(np.asarray(decibels), np.load(self._path(content_hash, "ends")))
