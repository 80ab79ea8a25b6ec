"""The parts that are held out in turn: by speaker, and at random beside it."""

from collections.abc import Callable

import numpy as np
from sklearn.model_selection import KFold

from training.examples import Examples
from training.folds import MINIMUM_FOLDS, Fold, FoldsError, speaker_folds

Part = tuple[int, ...]  # utterances, by index
SPEAKER_SEPARATED, RANDOM = "speaker-separated", "random"


def folds_by_speaker(
    examples: Examples, sex: Callable[[str], str], count: int | None
) -> tuple[Fold, ...]:
    """Leave one speaker out, or `count` folds of several.

    Raises:
        FoldsError: fewer than three speakers, or fewer than folds.
    """
    speakers = sorted(set(examples.speakers.tolist()))
    if len(speakers) < MINIMUM_FOLDS:
        raise FoldsError(
            f"{len(speakers)} speaker{'s' * (len(speakers) > 1)} ({', '.join(speakers)}); folds by "
            f"speaker need at least {MINIMUM_FOLDS}"
        )
    if count is None:
        return tuple((speaker,) for speaker in speakers)
    return speaker_folds(speakers, sex, count)


def split(examples: Examples, folds: tuple[Fold, ...]) -> dict[str, tuple[Part, ...]]:
    """Both protocols, with as many parts."""
    by_speaker = tuple(_part(np.flatnonzero(examples.of(fold))) for fold in folds)
    shuffled = KFold(len(folds), shuffle=True, random_state=0).split(examples.targets)
    at_random = tuple(_part(held_out) for _, held_out in shuffled)
    return {SPEAKER_SEPARATED: by_speaker, RANDOM: at_random}


def _part(rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Part:
    return tuple(rows.tolist())
