"""TCN-functionals: the TCN averaged with perceptrons over functionals of the frames.

Corpora that are too small for convolutions alone need the perceptrons. Functionals of a few draws
of each clip are computed once; the training loop (training/fitting/loop.py) fits the members of the
TCN (training/systems/tcn.py) and then the perceptrons.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.audio.augmentation import Augmenter, FrameAugmentation
from training.audio.noise import NoiseSettings
from training.audio.real_noise import RealNoises
from training.examples import Examples
from training.features.descriptors import ServedFeatures
from training.fitting.loop import Objective, Optimisation, fit_all
from training.frames.batches import FrameExamples
from training.frames.hyperparameters import Hyperparameters as FrameHyperparameters
from training.frames.inputs import COEFFICIENTS, INPUT_LIMIT, Scaling
from training.frames.network import FrameNetwork, Member
from training.systems.base.system import FitContext, System
from training.systems.base.vectors import OneVersionObjective
from training.systems.tcn import FittedFrames, FrameModel, networks

LAGS = (1, 4, 8)  # frames, of 23 ms each
THRESHOLDS = (-1.5, -0.75, 0.0, 0.75, 1.5)  # standard deviations
SOFTNESS = 0.25  # standard deviations; width of the thresholds
PER_COEFFICIENT = 7 + len(LAGS) + len(THRESHOLDS)
PAIRS = COEFFICIENTS * (COEFFICIENTS - 1) // 2
FUNCTIONALS = PER_COEFFICIENT * COEFFICIENTS + PAIRS  # 675
SMALLEST_VARIANCE = 1e-4
SHORTEST = 16  # frames of a draw

# No masks: in every functional they would appear as a movement that no voice makes.
HEAD_AUGMENTATION = FrameAugmentation(
    noise=NoiseSettings(white_share=0.06, coloured_share=0.06, babble_share=0.1),
    far_gain_share=0.2,
    channel_share=0.4,
    band_share=0.04,
    time_masks=0,
    coefficient_masks=0,
)


@dataclass(frozen=True)
class HeadHyperparameters:
    """Every number of the fit of a head."""

    hidden: int = 64
    draws: int = 8  # of each clip, beside the recording itself
    epochs: int = 40  # each uses every clip once, in one draw
    batch_size: int = 64
    learning_rate: float = 3e-3  # the maximum of the schedule
    warm_up: float = 0.15  # share of the steps
    weight_decay: float = 0.3
    dropout: float = 0.3
    label_smoothing: float = 0.1
    mixup: float = 0.3  # both parameters of the Beta distribution
    noise: float = 0.3  # on the functionals, in standard deviations
    augmentation: FrameAugmentation = field(default_factory=lambda: HEAD_AUGMENTATION)

    def optimisation(self) -> Optimisation:
        """The settings of the training loop."""
        return Optimisation.of(self, schedule="one cycle", class_weights=True)


@dataclass(frozen=True)
class Hyperparameters(FrameHyperparameters):
    """Those of the members, which take frames alone, and of the heads."""

    dilations: tuple[tuple[int, ...], ...] = ((1, 2, 4), (1, 2, 4, 8), (1, 2, 4))
    epochs: int = 50
    without_prosody: float = 1.0
    without_baseline: float = 1.0
    variants: int = 8  # copies at other speeds, for the distance from the training distribution
    functionals_heads: int = 3  # each counts as much as a member of the TCN
    heads: HeadHyperparameters = field(default_factory=HeadHyperparameters)


class Functionals(Scaling):
    """Level, movement and correlation of the coefficients over a clip.

    Functionals of low-level descriptors as in openSMILE (Eyben et al. 2010); the shares of frames
    above soft thresholds stand in for percentiles.
    """

    thresholds: Tensor
    pairs: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("thresholds", torch.tensor(THRESHOLDS)[:, None])
        row, column = torch.triu_indices(COEFFICIENTS, COEFFICIENTS, 1)
        self.register_buffer("pairs", row * COEFFICIENTS + column)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Frames (N, T, 25), lengths (N,) to functionals (N, 675)."""
        x = self.scaled(frames)
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
    """Delays (N, T, C) by a number of frames, padded with zeros."""
    return functional.pad(x, (0, 0, frames, 0))[:, : x.shape[1]]


def _mean(x: Tensor, mask: Tensor) -> Tensor:
    """The mean over the unmasked frames, (N, C); 0 where there is none."""
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
        """(..., 675) to the same shape, of zero mean and unit variance over the training clips."""
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

    def member_logits(
        self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor
    ) -> Tensor:
        """Logits of each member and each head, (members + heads, N, labels)."""
        members = super().member_logits(frames, lengths, prosody, baseline)
        return torch.cat([members, self.functionals(frames, lengths)])


class Heads:
    """The heads and the functionals that they are fitted to."""

    def __init__(self, clips: FrameExamples, hyperparameters: Hyperparameters, seed: int) -> None:
        torch.manual_seed(seed)
        self.clips, self.hyperparameters = clips, hyperparameters.heads
        self.network = FunctionalsNetwork(new_heads(hyperparameters, len(clips.examples.labels)))
        self.network.functionals.fit(np.concatenate(list(clips.recordings)))
        rows = self._draws(np.random.default_rng(seed))
        self.network.mean.copy_(rows.mean(dim=(0, 1)))
        self.network.deviation.copy_(rows.std(dim=(0, 1)).clamp_min(1e-6))
        self.inputs = self.network.standardised(rows)

    def objectives(self) -> Iterator[Objective]:
        """The objective of each head."""
        for head in self.network.heads:
            yield OneVersionObjective(
                head,
                self.inputs,
                self.clips.examples,
                self.hyperparameters.optimisation(),
                noise=self.hyperparameters.noise,
            )

    def _draws(self, random: np.random.Generator) -> Tensor:
        """Functionals (N, 1 + draws, 675); [:, 0] is the recording."""
        clips, functionals = self.clips, self.network.functionals
        settings = self.hyperparameters.augmentation
        augmenter = Augmenter(clips.spectra, settings, RealNoises(), random)
        mean = functionals.mean.numpy()

        def draws(row: int) -> Iterator[Tensor]:
            yield torch.from_numpy(clips.recordings[row])[None]
            for _ in range(self.hyperparameters.draws):
                draw = augmenter.draw(row)
                augmented = augmenter.augmented([draw], max(SHORTEST, draw.length), mean)
                yield torch.from_numpy(augmented.frames)

        with torch.inference_mode():
            rows = [
                torch.cat([functionals(x, torch.tensor([x.shape[1]])) for x in draws(row)])
                for row in range(len(clips.spectra))
            ]
            return torch.stack(rows)


def new_heads(hyperparameters: Hyperparameters, labels: int) -> list[Head]:
    """Heads that are not fitted."""
    heads = hyperparameters.heads
    count = range(hyperparameters.functionals_heads)
    return [Head(heads.hidden, labels, heads.dropout) for _ in count]


@dataclass(frozen=True)
class MixedModel(FrameModel):
    """Fits the members of the TCN, then the heads."""

    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    modules: tuple[str, ...] = (*FrameModel.modules, "training.systems.tcn")
    forms: tuple[str, ...] = ()

    @property
    def epochs(self) -> int:
        """Of all members and heads together."""
        heads = self.hyperparameters.functionals_heads * self.hyperparameters.heads.epochs
        return super().epochs + heads

    def fit(self, examples: Examples, context: FitContext) -> FittedFrames:
        """Takes minutes."""
        made: list[Heads] = []
        clips = FrameExamples.read(examples, context.caches)

        def objectives() -> Iterator[Objective]:
            yield from self.members(clips, context)
            made.append(Heads(clips, self.hyperparameters, context.seed))
            yield from made[0].objectives()

        fitted = fit_all(objectives(), context.progress, context.checkpoint)
        members = fitted[: len(self.hyperparameters.dilations)]
        network = MixedNetwork(networks(members), made[0].network)
        return self.finished(examples, network, members, context.checkpoint)

    def network(self, labels: int) -> MixedNetwork:
        """The network before its fit."""
        heads = FunctionalsNetwork(new_heads(self.hyperparameters, labels))
        return MixedNetwork(self.new_members(labels), heads)


SYSTEM = System(
    name="TCN-functionals",
    title="TCN on the MFCC frames, with heads over their functionals",
    source="this project",
    claim="see models/README.md",
    features=ServedFeatures(),
    models=(MixedModel(),),
)
