"""The features of clips under every condition, in the cache."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.corruptions import CONDITIONS, Corruption, corruptions
from training.evaluation import Mask
from training.examples import Examples
from training.features.cache import FeatureCache
from training.features.extraction import ExtractionTask, extract
from training.folds import Fold
from training.protocols.real_noise import CONDITIONS as REAL_NOISES
from training.protocols.real_noise import real_noises
from training.storage.scheduling import Scheduler

MOST = 300  # clips of each of several corpora


def corrupted_features(
    paths: Sequence[Path],
    examples: Examples,
    folds: Sequence[Fold],
    cache: FeatureCache,
    scheduler: Scheduler,
    *,
    sounds: tuple[Path, ...] = (),
) -> dict[str, tuple[str, ...]]:
    """Brings the cache up to date for every condition.

    The babble behind an utterance is of speakers of the same corpus and of other folds alone. Of
    several corpora, `MOST` clips of each are measured, as many of each emotion.

    Args:
        paths: of the N recordings.
        examples: their vectors.
        folds: speakers that are held out together.
        cache: of MFCC frames.
        scheduler: where features are extracted.
        sounds: of the conditions with real noise, which are left out without them.

    Returns:
        By the name of the condition, the folder of each utterance's frames in the cache; empty for
        the clips that are not measured.
    """
    measured, hashes = _measured(examples), examples.content_hashes.tolist()
    noises = real_noises(sounds)
    changes: dict[int, tuple[Corruption, ...]] = {}
    for held_out, others in _pairs(examples, folds):
        voices = {hashes[i]: paths[i] for i in np.flatnonzero(others).tolist()}
        rows = np.flatnonzero(held_out & measured).tolist()
        changes |= {i: (*corruptions(hashes[i], voices), *noises) for i in rows}
    wanted = [ExtractionTask(paths[i], hashes[i], found) for i, found in changes.items()]
    extract(wanted, cache, scheduler, "conditions")
    names = (*CONDITIONS, *(REAL_NOISES if sounds else ()))
    folders = [
        [c.folder for c in changes.get(i, ())] or [""] * len(names) for i in range(len(paths))
    ]
    return dict(zip(names, map(tuple, zip(*folders, strict=True)), strict=True))


def _pairs(examples: Examples, folds: Sequence[Fold]) -> list[tuple[Mask, Mask]]:
    """Of each fold and corpus: the clips that are held out, and those of the other speakers."""
    pairs = []
    for fold in folds:
        held_out = examples.of(fold)
        for name in np.unique(examples.corpora[held_out]):
            own = examples.corpora == name
            pairs.append((held_out & own, _others(held_out, own)))
    return pairs


def _others(held_out: Mask, own: Mask) -> Mask:
    """Of the same corpus, or of all corpora if it has no other speaker."""
    others = ~held_out & own
    return others if others.any() else ~held_out


def _measured(examples: Examples) -> Mask:
    """All clips of one corpus; of several, some of each emotion, the same in every run."""
    names = np.unique(examples.corpora)
    if len(names) == 1:
        return np.ones(len(examples.targets), np.bool_)
    measured = np.zeros(len(examples.targets), np.bool_)
    for name in names:
        own = np.flatnonzero(examples.corpora == name)
        emotions = np.unique(examples.targets[own])
        for emotion in emotions:
            rows = own[examples.targets[own] == emotion]
            order = np.argsort(examples.content_hashes[rows], kind="stable")
            measured[rows[order[: MOST // len(emotions)]]] = True
    return measured
