"""How far a clip is from a baseline: small for the speaker's own, large for another's.

The square of the distance is the logarithm of the likelihood ratio of two Gaussians: that of the
differences between a clip and a baseline of another speaker's clips, and of the same speaker's. A
Mahalanobis distance alone would mistake emotions for other voices.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.arrays import Float32, Float64
from training.errors import UserError
from training.voice.offsets import CLIP, CLIPS, COLUMNS, LARGEST, OWN
from training.voice.summary import COEFFICIENTS, MFCCS, POOLED_PROSODY, Draw, baselines

FITTED_TO = 10  # clips of a baseline
SHRINKAGE = 0.1  # added to the variances of standardised differences
LEAST_SPEAKERS = 2


class BaselineError(UserError):
    """Recordings from which baselines cannot be learnt; the message gives the reason."""


@dataclass(frozen=True)
class Discriminant:
    """Linear maps under which a difference becomes as long as it is unlikely for one speaker."""

    mean: Float64  # (C,), of the same speaker's differences; C comparisons, MFCCs first
    scale: Float64  # (C,)
    spoken: Float64  # (C, C), of all standardised differences
    unspoken: Float64  # (25, 25), of those of the MFCCs

    @classmethod
    def fit(cls, summaries: Float32, speakers: npt.NDArray[np.str_]) -> "Discriminant":
        """Fits to clips (N, SUMMARY) of several speakers.

        Raises:
            BaselineError: fewer than two speakers have several clips.
        """
        summaries, speakers = of_several_clips(summaries, speakers)
        random = np.random.default_rng(0)
        rows = np.arange(len(summaries))
        draw = Draw(speakers, FITTED_TO)
        same = differences(summaries, baselines_of(summaries, draw, random))
        foreign = others_of(speakers, rows, random)
        other = differences(summaries, baselines_of(summaries, draw, random)[foreign])
        mean, scale = same.mean(axis=0), np.maximum(same.std(axis=0), 1e-6)
        same, other = (same - mean) / scale, (other - mean) / scale
        maps = [_map(same[:, :width], other[:, :width]) for width in (len(COLUMNS), COEFFICIENTS)]
        return cls(mean, scale, *maps)


def of_several_clips(
    summaries: Float32, speakers: npt.NDArray[np.str_]
) -> tuple[Float32, npt.NDArray[np.str_]]:
    """The clips of the speakers who have at least two; raises BaselineError below two speakers."""
    names, voice, counts = np.unique(speakers, return_inverse=True, return_counts=True)
    several = counts > 1
    if several.sum() < LEAST_SPEAKERS:
        raise BaselineError(
            f"{several.sum()} of {len(names)} speakers with more than one recording; expected at "
            "least 2, to tell a speaker's own baseline from another's"
        )
    kept = several[voice]
    return summaries[kept], speakers[kept]


def _map(same: Float64, other: Float64) -> Float64:
    """(C, C), by which the same speaker's differences have a mean square length of 1."""
    precisions = [
        np.linalg.inv(rows.T @ rows / len(rows) + SHRINKAGE * np.eye(rows.shape[1]))
        for rows in (same, other)
    ]
    values, vectors = np.linalg.eigh(precisions[0] - precisions[1])
    found = vectors * np.sqrt(np.maximum(values, 0))
    length = np.sqrt(np.square(same @ found).sum(axis=1).mean())
    return np.asarray(found / max(length, 1e-6))


def baselines_of(summaries: Float32, draw: Draw, random: np.random.Generator) -> Float32:
    """A baseline of other clips of its speaker for each clip, (N, 57)."""
    chosen, exist = draw.others(np.arange(len(summaries)), random)
    return baselines(summaries[chosen], exist)


def others_of(
    speakers: npt.NDArray[np.str_], rows: npt.NDArray[np.int_], random: np.random.Generator
) -> npt.NDArray[np.int_]:
    """For each of `rows` (n,), the index of a random clip of another speaker."""
    drawn = random.integers(len(speakers), size=len(rows))
    while len(same := np.flatnonzero(speakers[drawn] == speakers[rows])):
        drawn[same] = random.integers(len(speakers), size=len(same))
    return drawn


def differences(summaries: Float32, baseline: Float32) -> Float64:
    """Clips (N, SUMMARY) less baselines (N, 57), of the numbers that both have: (N, C)."""
    own = np.concatenate([summaries[:, MFCCS], summaries[:, POOLED_PROSODY]], axis=1)[:, OWN]
    return np.asarray(own, np.float64) - baseline[:, COLUMNS]


class BaselineDistance(nn.Module):
    """The distance, about 1 for a clip of the same speaker; 0 without a baseline."""

    mean: Tensor
    scale: Tensor
    spoken: Tensor
    unspoken: Tensor
    columns: Tensor
    own: Tensor

    def __init__(self, discriminant: Discriminant) -> None:
        super().__init__()
        for name in ("mean", "scale", "spoken", "unspoken"):
            value = torch.from_numpy(getattr(discriminant, name).astype(np.float32))
            self.register_buffer(name, value)
        self.register_buffer("columns", torch.tensor(COLUMNS))
        self.register_buffer("own", torch.tensor(OWN))

    def forward(self, mfccs: Tensor, prosody: Tensor, baseline: Tensor) -> Tensor:
        """MFCCs (N, 25), prosody (N, P) and baseline (N, 57), zeros for what is not given."""
        baseline = torch.clamp(baseline, -LARGEST, LARGEST)
        raw = torch.clamp(torch.cat([mfccs, prosody], dim=1), -LARGEST, LARGEST)[:, self.own]
        columns = baseline[:, self.columns]
        both = raw.ne(0) & columns.ne(0)  # no pitch in an unvoiced clip
        offsets = ((raw - columns - self.mean) / self.scale).clamp(-CLIP, CLIP)
        offsets = torch.where(both, offsets, 0.0)
        spoken = torch.linalg.vector_norm(offsets @ self.spoken, dim=1)
        unspoken = torch.linalg.vector_norm(offsets[:, :COEFFICIENTS] @ self.unspoken, dim=1)
        distance = torch.where(both[:, COEFFICIENTS:].any(dim=1), spoken, unspoken)
        clips = torch.clamp(baseline[:, -1], 0.0, CLIPS)
        return distance * torch.sqrt((1 + 1 / FITTED_TO) * clips / (clips + 1))
