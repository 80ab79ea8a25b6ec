"""Recorded noises as mel powers: rain, engines, animals, whatever a folder holds."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.arrays import Float32
from training.audio.mel import powers, spectrum
from training.corpora.sound_files import SUFFIXES
from training.features.loading import UnusableAudioError, load_audio

QUIETEST = 1e-9  # mean square; a softer recording is silence


FOLDER = "noise"  # beside the corpora


def training_sounds(folder: Path) -> tuple[Path, ...]:
    """Every second sound of a folder, from the first on; none without the folder."""
    return _sounds(folder)[::2]


def held_out_sounds(folder: Path) -> tuple[Path, ...]:
    """Those that are not for training."""
    return _sounds(folder)[1::2]


def _sounds(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES))


@dataclass(frozen=True)
class RealNoises:
    """Recordings of noise to train with."""

    paths: tuple[Path, ...] = ()

    @property
    def names(self) -> list[str]:
        """Of the recordings: what a fit depends on."""
        return [path.name for path in self.paths]

    def mels(self) -> Sequence[Float32]:
        """Mel powers (T, 128) of each recording that is not silent, of a mean square of 1."""
        return _mels(self.paths)


@functools.lru_cache(maxsize=1)
def _mels(paths: tuple[Path, ...]) -> Sequence[Float32]:
    found = []
    for path in paths:
        try:
            levels = spectrum(load_audio(path))
        except UnusableAudioError:
            continue
        power = powers(levels[:, 0]).mean()
        if power > QUIETEST:
            found.append(powers(levels[:, 1:]) / power)
    return found
