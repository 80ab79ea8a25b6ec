"""Utterances as arrays: what the networks are fitted to and measured on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Integers
from training.audio.speed import variants
from training.corpora.reader import auxiliary_labels
from training.features.cache import ORIGINAL, Change, FeatureCache
from training.features.extraction import Extraction

AUXILIARY = ("intensity", "sex", "statement")


@dataclass(frozen=True)
class Examples:
    """N utterances with their targets and speakers."""

    vectors: Float32  # (N, 1 + variants, 25); [:, 0] is the recording, the rest its augmentations
    targets: Integers  # (N,), columns of `labels`
    speakers: npt.NDArray[np.str_]  # (N,)
    contents: npt.NDArray[np.str_]  # (N,), under which the caches know the recordings
    traits: Integers  # (N, 3): intensity, sex, statement; 0 or 1, and -1 where unknown
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
        return Examples(
            vectors=self.vectors[mask],
            targets=self.targets[mask],
            speakers=self.speakers[mask],
            contents=self.contents[mask],
            traits=self.traits[mask],
            labels=self.labels,
        )

    def digest(self) -> str:
        """A short hash of every number and label."""
        parts = (self.vectors, self.targets, self.speakers, self.contents, self.traits)
        content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
        return hashlib.sha256(content + repr(self.labels).encode()).hexdigest()[:16]


def changes(count: int) -> tuple[Change, ...]:
    """What vector networks are fitted to: the recording, and `count` variants of it."""
    return (ORIGINAL, *variants(count))


def load_examples(extraction: Extraction, cache: FeatureCache, count: int) -> Examples:
    """The vectors of recordings and `count` variants of each, which the cache must hold."""
    reader, utterances = extraction.corpus.reader, extraction.corpus.utterances
    return Examples(
        vectors=cache.vectors(extraction.content_hashes, changes(count)),
        targets=np.array([reader.emotions.index(item.emotion) for item in utterances]),
        speakers=np.array([item.speaker for item in utterances]),
        contents=np.array(extraction.content_hashes),
        traits=auxiliary_labels(utterances, AUXILIARY),
        labels=reader.emotions,
    )
