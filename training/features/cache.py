"""Features on disk, found by the content of the recording that they were extracted from."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from training.arrays import Float32
from training.features.mfcc import extract_frames, pool
from training.storage.atomic_write import write_array


class Change(Protocol):
    """A change of a recording's audio before features are extracted: augmentation, corruption."""

    @property
    def folder(self) -> str:
        """Its folder in the cache; two changes with different results have different folders."""
        ...

    def apply(self, audio: Float32, content_hash: str) -> Float32:
        """Changes audio, float32 (samples,); the hash of the recording seeds random draws."""
        ...


@dataclass(frozen=True)
class Unchanged:
    """The recording as it is."""

    folder: str = "original"

    def apply(self, audio: Float32, content_hash: str) -> Float32:  # noqa: ARG002  # as in Change
        """The same audio."""
        return audio


ORIGINAL = Unchanged()


@dataclass(frozen=True)
class FeatureCache:
    """One kind of features on disk, by change and content of the recording."""

    directory: Path  # of these features alone
    compute: Callable[[Float32], Float32] = extract_frames  # from audio float32 (samples,)

    def path(self, content_hash: str, folder: str) -> Path:
        """The file of one recording under the change that `folder` names."""
        return self.directory / folder / f"{content_hash}.npy"

    def missing(self, content_hash: str, changes: Sequence[Change]) -> tuple[Change, ...]:
        """The changes under which the cache has no features of a recording."""
        return tuple(c for c in changes if not _is_filled(self.path(content_hash, c.folder)))

    def extract(self, audio: Float32, content_hash: str, change: Change) -> None:
        """Writes the features of a recording under a change."""
        features = self.compute(change.apply(audio, content_hash))
        write_array(self.path(content_hash, change.folder), features)

    def read(self, content_hash: str, folder: str = ORIGINAL.folder) -> Float32:
        """The features of a recording, such as frames float32 (T, 25)."""
        features: Float32 = np.load(self.path(content_hash, folder))
        return features

    def read_all(self, content_hashes: Sequence[str], changes: Sequence[Change]) -> Float32:
        """Features of one shape, float32 (recordings, changes, ...)."""
        rows = [[self.read(content, c.folder) for c in changes] for content in content_hashes]
        return np.array(rows, np.float32)

    def vectors(self, content_hashes: Sequence[str], changes: Sequence[Change]) -> Float32:
        """The means of the frames of each recording, float32 (recordings, changes, 25)."""
        rows = [[pool(self.read(content, c.folder)) for c in changes] for content in content_hashes]
        return np.array(rows, np.float32)


def _is_filled(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def hash_content(path: Path) -> str:
    """The first 32 hexadecimal digits of the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
