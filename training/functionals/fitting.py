"""Fits the heads: functionals of a few draws of each clip are computed once, then perceptrons."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR

from training.audio.augmentation import Augmenter, FrameAugmentation
from training.audio.noise import NoiseSettings
from training.frames.fitting import FrameExamples
from training.functionals.network import FunctionalsNetwork, Head

SHORTEST = 16  # frames of a draw

# Masks would stand in every functional as a movement that no voice makes.
AUGMENTATION = FrameAugmentation(
    noise=NoiseSettings(white_share=0.06, coloured_share=0.06, babble_share=0.1),
    far_gain_share=0.2,
    channel_share=0.4,
    band_share=0.04,
    time_masks=0,
    coefficient_masks=0,
)


@dataclass(frozen=True)
class FunctionalsSettings:
    """Every number of the fit."""

    heads: int = 3
    hidden: int = 64
    draws: int = 8  # of each clip, beside the recording itself
    epochs: int = 40  # one sees every clip once, in one draw
    batch_size: int = 64
    learning_rate: float = 3e-3  # its highest
    warm_up: float = 0.15  # share of the steps
    weight_decay: float = 0.3
    dropout: float = 0.3
    label_smoothing: float = 0.1
    mixup: float = 0.3  # both parameters of the Beta distribution
    noise: float = 0.3  # on the functionals, in standard deviations
    augmentation: FrameAugmentation = field(default_factory=lambda: AUGMENTATION)


def fit_functionals(
    examples: FrameExamples, settings: FunctionalsSettings, seed: int
) -> FunctionalsNetwork:
    """The same seed gives the same network; in evaluation mode."""
    torch.manual_seed(seed)
    heads = [
        Head(settings.hidden, examples.labels, settings.dropout) for _ in range(settings.heads)
    ]
    network = FunctionalsNetwork(heads)
    network.functionals.fit(np.concatenate(list(examples.recordings)))
    rows = _draws(network, examples, settings, seed)
    network.mean.copy_(rows.mean(dim=(0, 1)))
    network.deviation.copy_(rows.std(dim=(0, 1)).clamp_min(1e-6))
    inputs, targets = network.standardised(rows), _targets(examples, settings)
    for head in heads:
        _fit_head(head, inputs, targets, settings)
    return network.eval()


def _draws(
    network: FunctionalsNetwork, examples: FrameExamples, settings: FunctionalsSettings, seed: int
) -> Tensor:
    """Functionals (N, 1 + draws, 675); [:, 0] is the recording."""
    augmenter = Augmenter(examples.spectra, settings.augmentation, np.random.default_rng(seed))
    mean = network.functionals.mean.numpy()

    def clips(row: int) -> Iterator[Tensor]:
        yield torch.from_numpy(examples.recordings[row])[None]
        for _ in range(settings.draws):
            draw = augmenter.draw(row)
            yield torch.from_numpy(augmenter.frames([draw], max(SHORTEST, draw.length), mean))

    with torch.inference_mode():
        rows = [
            torch.cat([network.functionals(x, torch.tensor([x.shape[1]])) for x in clips(row)])
            for row in range(len(examples.targets))
        ]
        return torch.stack(rows)


def _targets(examples: FrameExamples, settings: FunctionalsSettings) -> Tensor:
    """Smoothed one-hot targets (N, labels) that sum up to each class's weight."""
    targets, smoothing = torch.from_numpy(examples.targets), settings.label_smoothing
    one_hot = functional.one_hot(targets, examples.labels).float()
    counts = one_hot.sum(0)
    weights = counts.mean() / counts.clamp_min(1)
    return ((1 - smoothing) * one_hot + smoothing / examples.labels) * weights[targets, None]


def _fit_head(
    head: nn.Module, inputs: Tensor, targets: Tensor, settings: FunctionalsSettings
) -> None:
    """AdamW with mixup (Zhang et al. 2018, arXiv:1710.09412), in place."""
    rate, epochs, size = settings.learning_rate, settings.epochs, settings.batch_size
    optimiser = torch.optim.AdamW(head.parameters(), rate, weight_decay=settings.weight_decay)
    steps = epochs * -(-len(targets) // size)
    schedule = OneCycleLR(optimiser, rate, steps, pct_start=settings.warm_up, cycle_momentum=False)
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(targets)), size):
            x, y = _mixed(inputs, targets, batch, settings)
            loss = -(y * functional.log_softmax(head(x), dim=1)).sum(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()


def _mixed(
    inputs: Tensor, targets: Tensor, batch: Tensor, settings: FunctionalsSettings
) -> tuple[Tensor, Tensor]:
    """One draw of each clip of the batch, with noise, mixed with another clip's."""
    x = inputs[batch, torch.randint(inputs.shape[1], (len(batch),))]
    x = x + settings.noise * torch.randn_like(x)
    share = torch.distributions.Beta(settings.mixup, settings.mixup).sample((len(batch), 1))
    other = torch.randperm(len(batch))
    y = targets[batch]
    return share * x + (1 - share) * x[other], share * y + (1 - share) * y[other]
