"""What a clip, its prosody and a baseline say together, as the inputs of a perceptron.

The speaker's own mean is estimated from the baseline as in empirical Bayes: the mean of n clips is
shrunk towards that of all speakers by n / (n + k), where k is the variance between clips of one
speaker in units of that between speakers. Without a baseline the estimate is the mean of all
speakers, so that one formula serves strangers too.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.arrays import Float32, Float64
from training.features.recordings.statistics import STATISTICS
from training.voice.summary import (
    COEFFICIENTS,
    LOG_F0,
    MEMBERS,
    MFCCS,
    POOLED_PROSODY,
    baselines,
)

CLIP = 20.0  # standard deviations
LARGEST = 1e9  # of raw inputs; their products stay finite
CLIPS = 1e6

# The prosody statistics that a baseline has a counterpart of: its column.
COUNTERPARTS = {
    "f0Percentile10": LOG_F0,
    "f0Percentile50": LOG_F0,
    "f0Percentile90": LOG_F0,
    "f0Deviation": MEMBERS + LOG_F0,
    "voicingMean": LOG_F0 + 1,
    "levelDeviation": MEMBERS + LOG_F0 + 2,
}
COMPARED = [STATISTICS.index(name) for name in COUNTERPARTS]
COLUMNS = [*range(COEFFICIENTS), *COUNTERPARTS.values()]  # of a baseline
COMPARISONS = len(COLUMNS)
OWN = [*range(COEFFICIENTS), *(COEFFICIENTS + index for index in COMPARED)]  # their counterparts
MOST_SHRINKAGE = 100.0  # clips
FEATURES = COEFFICIENTS + len(STATISTICS) + COMPARISONS + 2


@dataclass(frozen=True)
class Numbers:
    """What `Offsets` learns from training clips."""

    mean: Float64  # (25 + P,), of MFCCs and statistics
    scale: Float64
    expected: Float64  # (COMPARISONS,), of a baseline's columns
    shrinkage: Float64  # (COMPARISONS,), the k of the module's description

    @classmethod
    def fit(cls, summaries: Float32, speakers: npt.NDArray[np.str_]) -> "Numbers":
        """From the summaries (N, SUMMARY) of clips of N speakers' names, at least two of them."""
        rows = np.concatenate([summaries[:, MFCCS], summaries[:, POOLED_PROSODY]], axis=1)
        rows = rows.astype(np.float64)
        names, voice = np.unique(speakers, return_inverse=True)
        means = np.stack([rows[voice == index].mean(axis=0) for index in range(len(names))])
        within = np.maximum((rows - means[voice]).var(axis=0), 1e-12)[OWN]
        between = np.maximum(means.var(axis=0)[OWN] - within * len(names) / len(rows), 1e-12)
        everyone = np.ones((1, len(summaries)), np.bool_)
        usual = baselines(summaries[None], everyone)[0, COLUMNS].astype(np.float64)
        scale = np.maximum(rows.std(axis=0), 1e-6)
        return cls(rows.mean(axis=0), scale, usual, np.minimum(within / between, MOST_SHRINKAGE))


class Offsets(nn.Module):
    """Raw inputs to standardised features (N, FEATURES), finite for any finite input."""

    mean: Tensor
    scale: Tensor
    expected: Tensor
    shrinkage: Tensor
    columns: Tensor
    own: Tensor

    def __init__(self, numbers: Numbers) -> None:
        super().__init__()
        for name in ("mean", "scale", "expected", "shrinkage"):
            value = torch.from_numpy(getattr(numbers, name).astype(np.float32))
            self.register_buffer(name, value)
        self.register_buffer("columns", torch.tensor(COLUMNS))
        self.register_buffer("own", torch.tensor(OWN))

    def forward(self, mfccs: Tensor, prosody: Tensor, baseline: Tensor) -> Tensor:
        """MFCCs (N, 25), prosody (N, P) and baseline (N, 57), zeros for what is not given."""
        baseline = torch.clamp(baseline, -LARGEST, LARGEST)
        raw = torch.clamp(torch.cat([mfccs, prosody], dim=1), -LARGEST, LARGEST)
        spoken = raw[:, COEFFICIENTS:].ne(0).any(dim=1, keepdim=True).float()
        given = torch.cat([torch.ones_like(mfccs), spoken.expand_as(prosody)], dim=1)
        own = ((raw - self.mean) / self.scale).clamp(-CLIP, CLIP) * given
        clips = torch.clamp(baseline[:, -1:], 0.0, CLIPS)
        weight = clips / (clips + self.shrinkage)
        columns = baseline[:, self.columns]
        known = columns.ne(0).float()  # a baseline may lack prosody, or have no voiced frame
        usual = ((columns - self.expected) / self.scale[self.own]).clamp(-CLIP, CLIP)
        compared = (own[:, self.own] - usual * weight * known) * given[:, self.own]
        trust = weight[:, :1]
        return torch.cat([own, compared, spoken, trust], dim=1)
