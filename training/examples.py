"""Utterances as arrays, for fits and measurements."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Integers
from training.audio.copies import variants
from training.corpora.reader import auxiliary_labels
from training.features.cache import ORIGINAL, Change, FeatureCache
from training.features.extraction import Extraction

AUXILIARY = ("intensity", "sex", "statement")
PER_UTTERANCE = (
    *("features", "targets", "speakers", "content_hashes", "auxiliary_labels"),
    *("corpora", "possible"),
)


@dataclass(frozen=True)
class Examples:
    """N utterances with their targets and speakers."""

    features: Float32  # (N, 1 + copies, ...); [:, 0] are the recordings, the rest augmented copies
    targets: Integers  # (N,), columns of `labels`
    speakers: npt.NDArray[np.str_]  # (N,)
    content_hashes: npt.NDArray[np.str_]  # (N,), the keys of the recordings in the caches
    auxiliary_labels: Integers  # (N, 3): intensity, sex, statement; 0 or 1, and -1 where unknown
    corpora: npt.NDArray[np.str_]  # (N,), the key of each utterance's corpus
    possible: npt.NDArray[np.bool_]  # (N, L), the emotions that the utterance's corpus has
    labels: tuple[str, ...]  # L emotions, in alphabetical order

    @property
    def recordings(self) -> Float32:
        """The features of the recordings themselves, float32 (N, ...)."""
        return self.features[:, 0]

    def of(self, speakers: Sequence[str]) -> npt.NDArray[np.bool_]:
        """A mask (N,) of the utterances of these speakers."""
        return np.isin(self.speakers, speakers)

    def where(self, chosen_rows: npt.NDArray[np.bool_] | Integers) -> "Examples":
        """The utterances that a mask (N,) marks, or those of some rows (n,)."""
        chosen = {name: getattr(self, name)[chosen_rows] for name in PER_UTTERANCE}
        return replace(self, **chosen)

    def with_occurring_labels(self) -> "Examples":
        """The same examples, without emotions that no utterance has."""
        known, targets = np.unique(self.targets, return_inverse=True)
        labels = tuple(self.labels[index] for index in known.tolist())
        return replace(self, targets=targets, labels=labels, possible=self.possible[:, known])

    def digest(self) -> str:
        """A short hash of every number and label."""
        arrays = (getattr(self, name) for name in PER_UTTERANCE)
        content = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
        shape_and_labels = repr((self.features.shape, self.labels))
        return hashlib.sha256(content + shape_and_labels.encode()).hexdigest()[:16]


def changes(count: int) -> tuple[Change, ...]:
    """The recording, and `count` variants of it at other speeds."""
    return (ORIGINAL, *variants(count))


def load_examples(extraction: Extraction, cache: FeatureCache, count: int) -> Examples:
    """MFCC vectors of recordings and of `count` variants of each, which the cache must hold."""
    corpora = extraction.corpora
    labels, utterances = corpora.labels, corpora.utterances
    return Examples(
        features=cache.vectors(extraction.content_hashes, changes(count)),
        targets=np.array([labels.index(item.emotion) for item in utterances]),
        speakers=np.array([item.speaker for item in utterances]),
        content_hashes=np.array(extraction.content_hashes),
        auxiliary_labels=auxiliary_labels(utterances, AUXILIARY),
        corpora=np.array(corpora.corpus_of),
        possible=corpora.possible(),
        labels=labels,
    )
