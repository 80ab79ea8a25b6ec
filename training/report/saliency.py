"""What networks listen to: which coefficients, and when.

Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365) of the log-probability of the true
emotion, on the way from the mean frame of all clips to the clip.
"""

from collections.abc import Sequence

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn
from tqdm import tqdm

from training.arrays import Float32
from training.report.attributions import Attribution
from training.systems.base.system import Fitted
from training.systems.base.vectors import FittedVectors
from training.systems.tcn import FittedFrames

STEPS = 32  # of the integral


class PooledNetwork(nn.Module):
    """A network that takes vectors, as one that takes frames: it pools them itself."""

    mean: Tensor
    scale: Tensor

    def __init__(self, fitted: FittedVectors) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(fitted.standardisation.mean))
        self.register_buffer("scale", torch.from_numpy(fitted.standardisation.scale))
        self.network = fitted.module

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Turns frames (N, T, 25), each as long as its length, to log-probabilities (N, L)."""
        vectors = frames.sum(dim=1) / lengths[:, None]
        logits: Tensor = self.network((vectors - self.mean) / self.scale)
        return logits.log_softmax(dim=1)


def listener(fitted: Fitted) -> nn.Module:
    """Frames (N, T, 25) and lengths (N,) to log-probabilities (N, L), in evaluation mode."""
    if isinstance(fitted, FittedVectors):
        return PooledNetwork(fitted).eval()
    if isinstance(fitted, FittedFrames):
        return fitted.module
    raise TypeError(f"{type(fitted)}: no such network can be looked into")


def attribute(
    network: nn.Module, clips: Sequence[Float32], targets: Sequence[int], progress: str = ""
) -> list[Attribution]:
    """How much every number of each clip, float32 (T, 25), spoke for its target, in nats.

    The weights of a clip sum to what its log-probability has above that of the mean frame.

    Args:
        network: in evaluation mode; frames (N, T, 25) and lengths (N,) to log-probabilities (N, L).
        clips: N of them.
        targets: N columns of the network's answer.
        progress: what the progress bar is called.
    """
    torch.set_num_threads(1)  # so that sums keep their order
    baseline = torch.from_numpy(np.concatenate(clips).mean(axis=0))
    gradients = IntegratedGradients(network)
    pairs = zip(clips, targets, strict=True)
    bar = tqdm(pairs, total=len(clips), desc=progress, unit="clip", disable=None)
    return [_attribute(gradients, frames, target, baseline) for frames, target in bar]


def _attribute(
    gradients: IntegratedGradients, frames: Float32, target: int, baseline: Tensor
) -> Attribution:
    inputs = torch.from_numpy(frames)[None]  # (1, T, 25)
    weights = gradients.attribute(
        inputs,
        baselines=baseline.expand_as(inputs),
        target=target,
        additional_forward_args=(torch.tensor([len(frames)]),),
        n_steps=STEPS,
    )
    return Attribution(target, frames, weights[0].numpy().astype(np.float64))
