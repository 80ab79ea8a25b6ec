"""What a voice is like: mean and spread of the features of one speaker's earlier clips."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from speech_emotion.extraction.features import Features

MOST_CLIPS = 1_000_000  # beyond these, each clip replaces an average one
LOG_F0 = 0  # its column in prosody
DECIMALS = 5  # of a posted number; a spread may be small
LEAST_VOICED = 0.1  # share of the frames; with less of it, a clip is hardly speech

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Mean and spread (standard deviation) of each column; none before the first clip."""

    mean: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()

    def with_clip(self, clips: NDArray[np.int64] | int, mean: Float64, squares: Float64) -> Self:
        """These moments of `clips` clips (of each column), and of one clip more.

        Args:
            clips: the weight of what is known; 0 forgets it.
            mean: of the clip, (columns,).
            squares: the mean of the clip's squared rows, (columns,).
        """
        old_mean, old_squares = self.columns(len(mean))
        new_mean = (old_mean * clips + mean) / (clips + 1)
        new_squares = (old_squares * clips + squares) / (clips + 1)
        spread = np.sqrt(np.maximum(new_squares - new_mean**2, 0))
        return type(self)(tuple(new_mean.tolist()), tuple(spread.tolist()))

    def columns(self, count: int) -> tuple[Float64, Float64]:
        """Mean and mean of squares, (count,) each; zeros before the first clip."""
        mean = np.array(self.mean or [0.0] * count)
        return mean, np.array(self.spread or [0.0] * count) ** 2 + mean**2

    def document(self) -> dict[str, list[float]]:
        """As JSON members, rounded."""
        return {
            "mean": [round(value, DECIMALS) for value in self.mean],
            "spread": [round(value, DECIMALS) for value in self.spread],
        }


@dataclass(frozen=True)
class Baseline:
    """Mean and spread over clips of one speaker, each of which weighs the same.

    Start with `Baseline()` and add clips of ordinary speech. A baseline is close to a voice print.
    """

    clips: int = 0
    mfccs: Moments = field(default_factory=Moments)  # 25 columns
    prosody: Moments = field(default_factory=Moments)  # 3 columns; log F0 of voiced frames only

    def with_clip(self, features: Features) -> "Baseline":
        """The baseline with one clip more, whose features `Client.features` returns.

        Raises:
            ValueError: the clip has no prosody, or frames of another width than those before.
        """
        if features.prosody is None:
            raise ValueError("the clip has no prosody, because the server's extractor returns none")
        width = features.frames.shape[1]
        if self.clips and width != len(self.mfccs.mean):
            raise ValueError(f"frames of {width} numbers; expected {len(self.mfccs.mean)}")
        return Baseline(
            min(self.clips + 1, MOST_CLIPS),
            self.mfccs.with_clip(self._weight, *_moments(features.frames)),
            self._prosody_with(features.prosody),
        )

    def document(self) -> dict[str, Any]:
        """As the member `baseline` of a request."""
        return {
            "clips": self.clips,
            "mfccs": self.mfccs.document(),
            "prosody": self.prosody.document(),
        }

    @property
    def _weight(self) -> int:
        """Of the clips so far."""
        return min(self.clips, MOST_CLIPS - 1)

    def _prosody_with(self, prosody: NDArray[np.float32]) -> Moments:
        mean, squares = _moments(prosody)
        weights = np.full(len(mean), self._weight)
        voiced = prosody[prosody[:, LOG_F0] > 0]
        known_mean, known_squares = (of[LOG_F0] for of in self.prosody.columns(len(mean)))
        if len(voiced):
            mean[LOG_F0], squares[LOG_F0] = (of[LOG_F0] for of in _moments(voiced))
            if not known_mean:  # the clips so far were unvoiced
                weights[LOG_F0] = 0
        else:
            mean[LOG_F0], squares[LOG_F0] = known_mean, known_squares
        return self.prosody.with_clip(weights, mean, squares)


def is_speech(features: Features) -> bool:
    """Whether enough frames are voiced to tell what a voice is like; false without prosody."""
    if features.prosody is None:
        return False
    return bool((features.prosody[:, LOG_F0] > 0).mean() >= LEAST_VOICED)


def _moments(rows: NDArray[np.float32]) -> tuple[Float64, Float64]:
    """Mean and mean of squares of each column, in float64."""
    values = rows.astype(np.float64)
    return values.mean(axis=0), (values**2).mean(axis=0)
