"""The speaker's own mean, and how far the mean of some clips can be trusted as that.

The mean of n clips is shrunk towards that of all speakers by n / (n + k), where k is the variance
between clips of one speaker in units of that between speakers (empirical Bayes).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.arrays import Float32, Float64
from training.voice.summary import LOG_F0

SHRINKAGE = (1e-3, 30.0)  # clips; above 0 also where speakers have but one clip
ESTIMATED = LOG_F0 + 2  # MFCCs, log F0, voicing
LARGEST = 1e4  # of a baseline's members
CLIPS = 1e6  # of a baseline
TRUSTED_FROM = 4.0  # clips of a baseline that count half


@dataclass(frozen=True)
class SpeakerPrior:
    """The mean of all clips, and the shrinkage k of each member of a baseline's mean."""

    mean: Float64  # (28,)
    shrinkage: Float64  # (28,)

    @classmethod
    def fit(cls, means: Float32, speakers: npt.NDArray[np.str_]) -> "SpeakerPrior":
        """From the means of N clips, float32 (N, 28), and the names of their speakers."""
        rows = means.astype(np.float64)
        names, speaker = np.unique(speakers, return_inverse=True)
        of_speakers = np.stack([rows[speaker == index].mean(axis=0) for index in range(len(names))])
        within = (rows - of_speakers[speaker]).var(axis=0)
        between = np.maximum(of_speakers.var(axis=0), 1e-6)
        return cls(rows.mean(axis=0), np.clip(within / between, *SHRINKAGE))


class SpeakerMean(nn.Module):
    """Estimates the speaker's mean; without a baseline it is that of all speakers."""

    prior: Tensor
    shrinkage: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("prior", torch.zeros(ESTIMATED))
        self.register_buffer("shrinkage", torch.ones(ESTIMATED))

    def fit(self, prior: SpeakerPrior) -> None:
        """Takes the prior's numbers."""
        for name, values in (("prior", prior.mean), ("shrinkage", prior.shrinkage)):
            getattr(self, name).copy_(torch.from_numpy(values[:ESTIMATED]))

    def forward(self, baseline: Tensor) -> tuple[Tensor, Tensor]:
        """Baselines (N, 57) to means (N, 27), and the trust in them (N, 1), between 0 and 1."""
        clips = baseline[:, -1:].clamp(0.0, CLIPS)
        given = baseline[:, :ESTIMATED].clamp(-LARGEST, LARGEST)
        # A baseline may lack prosody, or have no voiced frame.
        known = given.ne(0).float() * clips.gt(0).float()
        weight = known * clips / (clips + self.shrinkage)
        return self.prior + (given - self.prior) * weight, clips / (clips + TRUSTED_FROM)
