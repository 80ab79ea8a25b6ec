"""Recorded noises as mel powers: rain, engines, animals, whatever a folder holds."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.arrays import Float32
from training.audio.mel import powers, spectrum
from training.features.loading import UnusableAudioError, load_audio

QUIETEST = 1e-9  # mean square; a softer recording is silence


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
