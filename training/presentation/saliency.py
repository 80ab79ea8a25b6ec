"""What networks listen to: which coefficients, and when.

Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365) of the log-probability of the true
emotion, on the way from the mean frame of all clips to the clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn
from tqdm import tqdm

from training.arrays import Float32, Integers
from training.fitting import Fitted
from training.metrics import Float64
from training.trainers import FittedFrames, FittedNetwork

STEPS = 32  # of the integral
PARTS = 20  # of a clip, from its beginning to its end


@dataclass(frozen=True)
class Attribution:
    """One clip, and how much each of its numbers spoke for the true emotion."""

    target: int
    frames: Float32  # (T, 25)
    weights: Float64  # (T, 25), in nats; they sum to what the clip has above the baseline


class PooledNetwork(nn.Module):
    """A network that takes vectors, as one that takes frames: it pools them itself."""

    mean: Tensor
    scale: Tensor

    def __init__(self, fitted: Fitted) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(fitted.standardisation.mean))
        self.register_buffer("scale", torch.from_numpy(fitted.standardisation.scale))
        self.network = fitted.module

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Turns frames (N, T, 25), each as long as its length, to log-probabilities (N, L)."""
        vectors = frames.sum(dim=1) / lengths[:, None]
        logits: Tensor = self.network((vectors - self.mean) / self.scale)
        return logits.log_softmax(dim=1)


def listener(fitted: FittedNetwork) -> nn.Module:
    """Frames (N, T, 25) and lengths (N,) to log-probabilities (N, L), in evaluation mode."""
    if isinstance(fitted, Fitted):
        return PooledNetwork(fitted).eval()
    if isinstance(fitted, FittedFrames):
        return fitted.module
    raise TypeError(f"{type(fitted)}: no such network can be looked into")


def choose_clips(speakers: npt.NDArray[np.str_], targets: Integers) -> list[int]:
    """The first utterance of each speaker for each emotion, as indices."""
    pairs = zip(speakers.tolist(), targets.tolist(), strict=True)
    first: dict[tuple[str, int], int] = {}
    for index, pair in enumerate(pairs):
        first.setdefault(pair, index)
    return sorted(first.values())


def attribute(
    network: nn.Module, clips: Sequence[Float32], targets: Sequence[int], progress: str = ""
) -> list[Attribution]:
    """How much every number of each clip, float32 (T, 25), spoke for its target.

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


def shares(attributions: Sequence[Attribution], labels: int) -> Float64:
    """Where the weight of each emotion's clips lies, (L, 20, 25); 1 is an even spread.

    Signs are left out, every clip counts alike, and clips are aligned by relative time.
    """
    maps = np.zeros((labels, PARTS, attributions[0].frames.shape[1]))
    counts = np.zeros(labels)
    for attribution in attributions:
        weights = in_parts(np.abs(attribution.weights))
        maps[attribution.target] += weights * weights.size / max(weights.sum(), 1e-12)
        counts[attribution.target] += 1
    return maps / np.maximum(counts, 1)[:, None, None]


def in_parts(weights: Float64) -> Float64:
    """Weights (T, 25) of frames to those of 20 parts of the clip, (20, 25), of the same sum."""
    start = np.zeros((1, weights.shape[1]))
    totals = np.concatenate([start, np.cumsum(weights, axis=0)])
    edges = np.linspace(0, len(weights), PARTS + 1)
    columns = [np.interp(edges, np.arange(len(totals)), column) for column in totals.T]
    return np.diff(np.stack(columns, axis=1), axis=0)
