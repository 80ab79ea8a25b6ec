"""Functionals of the frames and small perceptrons over them, inside the graph that is served."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.arrays import Float32
from training.frames.network import COEFFICIENTS, INPUT_LIMIT, FrameNetwork, Member

LAGS = (1, 4, 8)  # frames, of 23 ms each
THRESHOLDS = (-1.5, -0.75, 0.0, 0.75, 1.5)  # standard deviations
SOFTNESS = 0.25  # standard deviations; width of the thresholds
PER_COEFFICIENT = 7 + len(LAGS) + len(THRESHOLDS)
PAIRS = COEFFICIENTS * (COEFFICIENTS - 1) // 2
FUNCTIONALS = PER_COEFFICIENT * COEFFICIENTS + PAIRS  # 675
SMALLEST_VARIANCE = 1e-4


class Functionals(nn.Module):
    """Where each coefficient lies in a clip, how it moves, and which move together.

    Functionals of low-level descriptors are what speech emotion recognition has long been built on
    (Eyben et al. 2010, openSMILE); thresholds that are not sharp stand for their percentiles.
    """

    mean: Tensor
    deviation: Tensor
    thresholds: Tensor
    pairs: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(COEFFICIENTS))
        self.register_buffer("deviation", torch.ones(COEFFICIENTS))
        self.register_buffer("thresholds", torch.tensor(THRESHOLDS)[:, None])
        row, column = torch.triu_indices(COEFFICIENTS, COEFFICIENTS, 1)
        self.register_buffer("pairs", row * COEFFICIENTS + column)

    def fit(self, frames: Float32) -> None:
        """Takes mean and deviation from training frames, float32 (any, 25)."""
        self.mean.copy_(torch.from_numpy(frames.mean(axis=0)))
        self.deviation.copy_(torch.from_numpy(frames.std(axis=0)))

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Frames (N, T, 25), lengths (N,) to functionals (N, 675)."""
        x = ((frames - self.mean) / self.deviation).clamp(-INPUT_LIMIT, INPUT_LIMIT)
        steps = torch.arange(frames.shape[1], device=frames.device)[None, :, None]
        count = lengths[:, None, None]
        mask = steps < count  # (N, T, 1)
        x = x * mask
        return torch.cat([self._levels(x, mask, steps, count), self._movement(x, mask, steps)], 1)

    def _levels(self, x: Tensor, mask: Tensor, steps: Tensor, count: Tensor) -> Tensor:
        """Moments, extremes, trend, distribution and correlations."""
        mean = x.sum(1, keepdim=True) / count
        centred = (x - mean) * mask
        deviation = (centred.square().sum(1, keepdim=True) / count + SMALLEST_VARIANCE).sqrt()
        z = centred / deviation
        time = 2 * steps / (count - 1).clamp_min(1) - 1  # -1 to 1 within the clip
        above = torch.sigmoid((x[:, :, None] - self.thresholds) / SOFTNESS) * mask[..., None]
        correlations = (z.transpose(1, 2) @ z / count).flatten(1)[:, self.pairs]
        parts = (
            mean.flatten(1),
            deviation.flatten(1),
            (z**3).sum(1) / count[:, 0],
            x.masked_fill(~mask, -INPUT_LIMIT).amax(1),
            x.masked_fill(~mask, INPUT_LIMIT).amin(1),
            (x * time).sum(1) / count[:, 0],
            above.sum(1).flatten(1) / count[:, 0],
        )
        return torch.cat([*parts, correlations], 1)

    def _movement(self, x: Tensor, mask: Tensor, steps: Tensor) -> Tensor:
        """Mean change over each lag, and root mean square of the second difference."""
        changes = [_mean((x - _delayed(x, lag)).abs(), mask & (steps >= lag)) for lag in LAGS]
        bend = x - 2 * _delayed(x, 1) + _delayed(x, 2)
        power = _mean(bend.square(), mask & (steps >= 2))
        return torch.cat([*changes, (power + SMALLEST_VARIANCE).sqrt()], 1)


def _delayed(x: Tensor, frames: int) -> Tensor:
    """The same (N, T, C), so many frames later, zeros first."""
    return functional.pad(x, (0, 0, frames, 0))[:, : x.shape[1]]


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    """Over the frames that count, (N, C); 0 where none does."""
    return (x * mask).sum(1) / mask.sum(1).clamp_min(1)


class Head(nn.Sequential):
    """A perceptron: standardised functionals (N, 675) to logits (N, labels)."""

    def __init__(self, hidden: int, labels: int, dropout: float) -> None:
        super().__init__(
            nn.Dropout(dropout / 2),
            nn.Linear(FUNCTIONALS, hidden),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, labels),
        )


class FunctionalsNetwork(nn.Module):
    """Several heads over the same standardised functionals."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__()
        self.functionals = Functionals()
        self.heads = nn.ModuleList(heads)
        self.register_buffer("mean", torch.zeros(FUNCTIONALS))
        self.register_buffer("deviation", torch.ones(FUNCTIONALS))

    def standardised(self, functionals: Tensor) -> Tensor:
        """(..., 675) to the same, of zero mean and unit variance over the training clips."""
        standardised = (functionals - self.mean) / self.deviation
        return standardised.clamp(-INPUT_LIMIT, INPUT_LIMIT)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Frames (N, T, 25), lengths (N,) to logits of each head (K, N, labels)."""
        x = self.standardised(self.functionals(frames, lengths))
        return torch.stack([head(x) for head in self.heads])


class MixedNetwork(FrameNetwork):
    """The mean of the probabilities of convolutional members and of heads over functionals."""

    def __init__(self, members: Sequence[Member], functionals: FunctionalsNetwork) -> None:
        super().__init__(members)
        self.functionals = functionals

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Turns frames (N, T, 25), lengths (N,) to log-probabilities (N, labels)."""
        members = torch.stack([member(frames, lengths) for member in self.members])
        logits = torch.cat([members, self.functionals(frames, lengths)])
        mean = logits.log_softmax(-1).logsumexp(0) - math.log(len(logits))
        return (mean / self.temperature).log_softmax(-1)
