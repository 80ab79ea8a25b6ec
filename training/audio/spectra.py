"""Mel spectra and prosody of utterances at several speeds and in several rooms, on disk.

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
from training.audio.mel import Decibels, cepstral_basis, powers, spectrum, trimmed
from training.features.loading import load_audio
from training.features.recipe import RECIPE
from training.storage.atomic_write import write_array
from training.storage.scheduling import Scheduler
from training.voice.prosody import extract_prosody
from training.voice.summary import clip_means

PITCH = 1 + RECIPE.n_mels  # the first column of pitch, after the decibels


@dataclass(frozen=True)
class Variants:
    """The variants of an utterance that are kept, and the ranges that they are drawn from."""

    dry: int = 4  # each at another speed, spread evenly over the range
    rooms: int = 2  # with the reverberation of a room
    speed: float = 0.16  # the logarithm of the speed lies within +-0.16: factors 0.85 to 1.17
    room_speed: float = 0.1
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
class Variant:
    """One variant of an utterance, silence included: T frames."""

    decibels: Decibels  # (T, 1 + 128): level of the frame, mel powers
    pitch: Decibels  # (T, 2): log F0 and voicing, as in the extractor's prosody


@dataclass(frozen=True)
class Spectra:
    """The variants of one utterance: the recording, then dry ones, then rooms."""

    frames: npt.NDArray[np.float16]  # of all variants, memory-mapped: decibels, pitch
    ends: npt.NDArray[np.int64]  # (variants,), the index after the last frame of each variant
    means: Float32  # (variants, 28): of the trimmed frames, as in a baseline

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, variant: int) -> Variant:
        start = self.ends[variant - 1] if variant else 0
        frames = self.frames[start : self.ends[variant]]
        return Variant(frames[:, :PITCH], frames[:, PITCH:])


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
        variants = [_variant(samples) for samples in self.variants.of(audio, random)]
        arrays = {
            "frames": np.concatenate([np.hstack([v.decibels, v.pitch]) for v in variants]),
            "means": np.stack([_means(variant) for variant in variants]),
            # `fill` looks for the ends, so they are written last.
            "ends": np.cumsum([len(variant.decibels) for variant in variants]),
        }
        for kind, array in arrays.items():
            write_array(self._path(content_hash, kind), array)

    def read(self, content_hash: str) -> Spectra:
        """The spectra of the recording with this content hash."""
        frames = np.load(self._path(content_hash, "frames"), mmap_mode="r")
        ends, means = (np.load(self._path(content_hash, kind)) for kind in ("ends", "means"))
        # Slicing a plain array over the same memory is several times faster.
        return Spectra(np.asarray(frames), ends, means)


def _variant(audio: Float32) -> Variant:
    decibels = spectrum(np.asarray(audio, np.float32))
    prosody = extract_prosody(np.asarray(audio, np.float32))
    first, _ = trimmed(powers(decibels[:, 0]))
    pitch = np.zeros((len(decibels), 2), np.float16)  # silence is unvoiced
    spoken = pitch[first : first + len(prosody)]
    spoken[:] = prosody[: len(spoken), :2]
    return Variant(decibels, pitch)


def _means(variant: Variant) -> Float32:
    frames, prosody = variant_frames(variant)
    return clip_means(frames, prosody)


def variant_frames(variant: Variant) -> tuple[Float32, Float32]:
    """The trimmed frames: cepstra float32 (T, 25) and prosody float32 (T, 3)."""
    kept = slice(*trimmed(powers(variant.decibels[:, 0])))
    levels = variant.decibels[kept].astype(np.float32)
    mels = np.maximum(levels[:, 1:], levels[:, 1:].max() - RECIPE.top_db)
    return mels @ cepstral_basis(), np.hstack([variant.pitch[kept], levels[:, :1]])
