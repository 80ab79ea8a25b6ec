"""How far the mean of a speaker's clips can be trusted as the speaker's own mean.

The mean of n clips is shrunk towards that of all speakers by n / (n + k), where k is the variance
between clips of one speaker in units of that between speakers (empirical Bayes).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Float64

MOST_SHRINKAGE = 30.0  # clips


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
        return cls(rows.mean(axis=0), np.minimum(within / between, MOST_SHRINKAGE))
