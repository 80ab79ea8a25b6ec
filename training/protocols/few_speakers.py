"""Corpora of few speakers: what can be measured, and what it is worth."""

from collections.abc import Iterable, Sequence

from training.errors import UserError
from training.folds import FOLDS, Fold
from training.systems.base.trainer import Trainer

EVALUATED = 3  # speakers: a fit without one still tells two apart
EXPORTED = 4  # the distance from a baseline is fitted to two speakers and measured on two others


class FewSpeakersError(UserError):
    """Too few speakers for a network; the message says how many it needs."""


def require_speakers(trainers: Iterable[Trainer], speakers: Iterable[str], least: int) -> None:
    """Refuses networks that compare speakers, unless there are enough.

    Args:
        trainers: of the networks.
        speakers: of all recordings.
        least: `EVALUATED` or `EXPORTED`.

    Raises:
        FewSpeakersError: a network takes baselines, and there are fewer speakers.
    """
    count = len(set(speakers))
    for trainer in trainers:
        if trainer.model.forms and count < least:
            raise FewSpeakersError(
                f"{trainer.name}: {count} speakers; expected at least {least}, because it compares "
                "a speaker with others. CNN, DNN and TCN-functionals need two: --network CNN"
            )


def folds_of_several(folds: Sequence[Fold]) -> tuple[Fold, ...]:
    """Folds of which one has two speakers at least: of single speakers, two folds are made."""
    if any(len(fold) > 1 for fold in folds):
        return tuple(folds)
    speakers = [speaker for fold in folds for speaker in fold]
    return (tuple(speakers[::2]), tuple(speakers[1::2]))


def worth(folds: Sequence[Fold]) -> str:
    """What figures over the folds are worth; nothing of `FOLDS` and more."""
    count = sum(map(len, folds))
    if count >= FOLDS:
        return ""
    others = "one other" if count == 2 else f"{count - 1} others"
    return (
        f"of {count} speakers, each heard by a network of {others}: the figures are of these "
        "voices, and may be far from those of other speakers"
    )
