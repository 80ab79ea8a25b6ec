"""How well the distance tells another voice or microphone, measured on held-out speakers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from training.arrays import Float32
from training.folds import Fold
from training.voice.baseline_distance import (
    BaselineDistance,
    Discriminant,
    baselines_of,
    others_of,
)
from training.voice.summary import MFCCS, POOLED_PROSODY, Draw

CLIPS = (3, 10, 30)  # of a baseline
OWN_ABOVE = 0.04  # share of the speakers' own clips above the limit


@dataclass(frozen=True)
class Shares:
    """Shares of the clips of held-out speakers that are above the limit."""

    own: float  # with their own baseline
    other_speaker: float  # with the baseline of another held-out speaker
    telephone: float  # clips in the band of a telephone, with their own baseline


@dataclass(frozen=True)
class Identification:
    """The limit of the distance, and how it does with and without prosody."""

    limit: float
    mfccs: Shares
    prosody: Shares


def identify(
    summaries: Float32,
    telephone: Float32,
    speakers: npt.NDArray[np.str_],
    folds: Sequence[Fold],
) -> Identification:
    """Measures on each fold the distance that was fitted without its speakers.

    Args:
        summaries: of N clips, (N, SUMMARY).
        telephone: of the same clips in the band of a telephone.
        speakers: of the clips, (N,).
        folds: speakers that are held out together, at least two in each.
    """
    found = []
    for fold in folds:
        held_out = np.isin(speakers, fold)
        discriminant = Discriminant.fit(summaries[~held_out], speakers[~held_out])
        pairs = _pairs(summaries[held_out], telephone[held_out], speakers[held_out])
        found.append(_distances(BaselineDistance(discriminant), pairs))
    distances = np.concatenate(found, axis=2)
    limit = float(np.quantile(distances[:, 0], 1 - OWN_ABOVE, axis=1).max())
    without, spoken = (distances > limit).mean(axis=2).tolist()
    return Identification(limit, Shares(*without), Shares(*spoken))


def _pairs(
    summaries: Float32, telephone: Float32, speakers: npt.NDArray[np.str_]
) -> tuple[tuple[Float32, Float32], ...]:
    """Clips and baselines of each of the `Shares`, for baselines of few and of many clips."""
    random = np.random.default_rng(0)
    own = [baselines_of(summaries, Draw(speakers, count), random) for count in CLIPS]
    other = [rows[others_of(speakers, np.arange(len(rows)), random)] for rows in own]
    clips, filtered = (np.tile(rows, (len(CLIPS), 1)) for rows in (summaries, telephone))
    return (
        (clips, np.concatenate(own)),
        (clips, np.concatenate(other)),
        (filtered, np.concatenate(own)),
    )


def _distances(
    module: BaselineDistance, pairs: Sequence[tuple[Float32, Float32]]
) -> npt.NDArray[np.float32]:
    """Without and with prosody, of each of the pairs: (2, 3, n)."""
    rows = []
    for given in (np.float32(0), np.float32(1)):
        inputs = [(c[:, MFCCS], c[:, POOLED_PROSODY] * given, base) for c, base in pairs]
        rows.append(torch.stack([module(*map(torch.from_numpy, parts)) for parts in inputs]))
    return torch.stack(rows).numpy()
