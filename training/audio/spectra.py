"""Mel spectra of utterances at several speeds and in several rooms, kept on disk.

Noise, gain and trimming are then drawn anew each time an utterance is seen, without its waveform.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import librosa
import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve

from training.arrays import Float32
from training.features.recipe import RECIPE
from training.storage.atomic_write import written_whole

MELS = 128
HOP = 512
FLOOR = 1e-10  # of powers, before the logarithm, as in the recipe

Decibels = npt.NDArray[np.float16]


@dataclass(frozen=True)
class Variants:
    """How the kept variants of an utterance are drawn; the first of all is the recording itself."""

    dry: int = 14  # each at another speed, spread evenly over the range
    rooms: int = 4  # with a room's reverberation
    speed: float = 0.22  # the logarithm of the speed lies within +-0.22: factors 0.80 to 1.25
    room_speed: float = 0.15
    reverberation: tuple[float, float] = (0.15, 0.7)  # seconds in which it falls by 60 dB
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
            t60, ratio = (
                random.uniform(*self.reverberation),
                random.uniform(*self.direct_to_reverberant),
            )
            yield reverberate(change_speed(audio, speed), t60, ratio, random)


VARIANTS = Variants()


def change_speed(audio: Float32, speed: float) -> Float32:
    """Faster and higher above 1: pitch, formants and tempo move together (Ko et al. 2015)."""
    return librosa.resample(audio, orig_sr=speed, target_sr=1.0, res_type="soxr_mq")


def reverberate(
    audio: Float32, t60: float, direct_to_reverberant: float, random: np.random.Generator
) -> Float32:
    """A synthetic room: noise that decays by 60 dB in t60 seconds after the direct sound."""
    samples = int(t60 * RECIPE.sample_rate)
    seconds = np.arange(samples) / RECIPE.sample_rate
    tail = random.standard_normal(samples) * np.exp(-6.9 * seconds / t60)
    tail[: int(0.002 * RECIPE.sample_rate)] = 0
    tail *= 10 ** (-direct_to_reverberant / 20) / np.sqrt(np.square(tail).sum())
    tail[0] = 1
    echoing = fftconvolve(audio, tail)[: len(audio) + samples // 3]
    return np.asarray(echoing, np.float32)


def spectrum(audio: Float32) -> Decibels:
    """Turns audio float32 (samples,) into float16 (T, 1 + 128), decibels, untrimmed.

    The first column is each frame's mean square, the others its 128 mel powers.
    """
    mels = librosa.feature.melspectrogram(y=audio, sr=RECIPE.sample_rate)  # (128, T)
    rms = librosa.feature.rms(y=audio)  # (1, T)
    powers = np.concatenate([np.square(rms), mels])
    decibels: Decibels = (10 * np.log10(np.maximum(powers, FLOOR))).T.astype(np.float16)
    return decibels


@dataclass(frozen=True)
class Spectra:
    """The spectra of one utterance: variant 0 is the recording, then dry ones, then rooms."""

    decibels: Decibels  # (frames of all variants, 1 + 128), memory-mapped
    ends: npt.NDArray[np.int64]  # (variants,), where each variant's frames end

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, variant: int) -> Decibels:
        start = self.ends[variant - 1] if variant else 0
        return self.decibels[start : self.ends[variant]]


@dataclass(frozen=True)
class SpectraCache:
    """Spectra on disk, found by the recipe, the variants' plan and the recording's content."""

    directory: Path
    variants: Variants = VARIANTS

    def _path(self, content: str, kind: str) -> Path:
        folder = f"mel-{RECIPE.digest()}-{self.variants.digest()}"
        return self.directory / folder / f"{content}.{kind}.npy"

    def holds(self, content: str) -> bool:
        """Whether the spectra of the recording with this hash are there, whole."""
        return self._path(content, "ends").exists()

    def write(self, content: str, audio: Float32) -> None:
        """Computes and keeps the spectra of `audio`; the ends, written last, mark them whole."""
        random = np.random.default_rng(int(content, 16))
        parts = [spectrum(variant) for variant in self.variants.of(audio, random)]
        ends = np.cumsum([len(part) for part in parts])
        for kind, array in (("decibels", np.concatenate(parts)), ("ends", ends)):
            with written_whole(self._path(content, kind)) as part, part.open("wb") as file:
                np.save(file, array)

    def read(self, content: str) -> Spectra:
        """The spectra that `write` left."""
        decibels = np.load(self._path(content, "decibels"), mmap_mode="r")
        # A plain array over the same memory is sliced several times faster.
        return Spectra(np.asarray(decibels), np.load(self._path(content, "ends")))


def reading(cache: SpectraCache, contents: Sequence[str]) -> tuple[Spectra, ...]:
    """The spectra of every recording, in order."""
    return tuple(cache.read(content) for content in contents)
