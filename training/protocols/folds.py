"""Folds by speaker over several corpora."""

from collections.abc import Callable, Iterable

from training.folds import FOLDS, LEAST_FOLDS, Fold, FoldsError, speaker_folds


def union_folds(
    speakers: Iterable[str], sex: Callable[[str], str], count: int = FOLDS
) -> tuple[Fold, ...]:
    """Fold k joins fold k of each corpus; a corpus of fewer speakers is in as many folds.

    Args:
        speakers: named after their corpora: `cremad/1001`.
        sex: from the name of a speaker.
        count: of the folds, at most.

    Raises:
        FoldsError: no two folds have speakers.
    """
    corpora: dict[str, set[str]] = {}
    for speaker in speakers:
        corpora.setdefault(speaker.partition("/")[0], set()).add(speaker)
    of_each = [speaker_folds(own, sex, min(count, len(own))) for own in corpora.values()]
    joined = (
        tuple(speaker for folds in of_each for speaker in dict(enumerate(folds)).get(index, ()))
        for index in range(count)
    )
    found = tuple(fold for fold in joined if fold)
    if len(found) < LEAST_FOLDS:
        raise FoldsError(f"at most {len(found)} speaker in a corpus; expected {LEAST_FOLDS}")
    return found
