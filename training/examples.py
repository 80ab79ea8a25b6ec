"""Utterances as arrays: what the networks are fitted to and measured on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Integers
from training.corpora import Corpus
from training.features import FeatureCache


@dataclass(frozen=True)
class Examples:
    """Vectors of N utterances with their targets and speakers."""

    vectors: Float32  # (N, 1 + variants, 25); [:, 0] is the recording, the rest its augmentations
    targets: Integers  # (N,), columns of `labels`
    speakers: npt.NDArray[np.str_]  # (N,)
    labels: tuple[str, ...]  # L emotions, in alphabetical order

    @property
    def recordings(self) -> Float32:
        """The vectors of the recordings themselves, float32 (N, 25)."""
        return self.vectors[:, 0]

    def of(self, speakers: Sequence[str]) -> npt.NDArray[np.bool_]:
        """A mask (N,) of the utterances of these speakers."""
        return np.isin(self.speakers, speakers)

    def where(self, mask: npt.NDArray[np.bool_]) -> "Examples":
        """The utterances that `mask` (N,) marks."""
        kept = self.vectors[mask], self.targets[mask], self.speakers[mask]
        return Examples(*kept, labels=self.labels)

    def digest(self) -> str:
        """A short hash of every number and label."""
        parts = (self.vectors, self.targets, self.speakers)
        content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
        return hashlib.sha256(content + repr(self.labels).encode()).hexdigest()[:16]


def load_examples(corpus: Corpus, cache: FeatureCache, variants: int) -> Examples:
    """The vectors of a corpus whose features are in the cache."""
    labels = corpus.reader.emotions
    return Examples(
        vectors=cache.vectors(corpus.utterances, variants),
        targets=np.array([labels.index(item.emotion) for item in corpus.utterances]),
        speakers=np.array([item.speaker for item in corpus.utterances]),
        labels=labels,
    )
