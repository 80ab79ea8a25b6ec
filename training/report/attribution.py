"""Attributions: how much each input number contributes to a network's log-probability.

Two methods of captum, with the same baseline, the mean frame of all clips: integrated gradients
for a PyTorch module, and feature ablation for any function, such as an ONNX session.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import FeatureAblation, IntegratedGradients
from torch import Tensor, nn
from tqdm import tqdm

from training.arrays import Float32, Float64, Integers
from training.systems.base.system import Fitted
from training.systems.base.vectors import FittedVectors
from training.systems.tcn import FittedFrames
from training.voice.summary import BASELINE, PROSODY

STEPS = 32  # of the integral
PARTS = 20  # of equal length, in which `shares` divides a clip
ABLATED_PARTS = 10  # likewise for feature ablation
BLOCKS = 320  # of a clip, at most; feature ablation costs one prediction for each
TINY = 1e-12  # a probability of 0 has no logarithm


@dataclass(frozen=True)
class Attribution:
    """One clip of T frames of B numbers; a vector is a single frame."""

    target: int
    frames: Float32  # (T, B)
    weights: Float64  # (T, B), contributions to the log-probability of the target, in nats


class PooledNetwork(nn.Module):
    """A network for vectors, preceded by the mean over the frames and the standardisation."""

    mean: Tensor
    scale: Tensor

    def __init__(self, fitted: FittedVectors) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(fitted.standardisation.mean))
        self.register_buffer("scale", torch.from_numpy(fitted.standardisation.scale))
        self.network = fitted.module

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Map frames (N, T, 25) and their lengths (N,) to log-probabilities (N, L)."""
        vectors = frames.sum(dim=1) / lengths[:, None]
        logits: Tensor = self.network((vectors - self.mean) / self.scale)
        return logits.log_softmax(dim=1)


class FramesAlone(nn.Module):
    """A frame network without prosody and baseline."""

    def __init__(self, fitted: FittedFrames) -> None:
        super().__init__()
        self.network = fitted.module

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Map frames (N, T, 25) and their lengths (N,) to log-probabilities (N, L)."""
        prosody = frames.new_zeros(*frames.shape[:2], PROSODY)
        baseline = frames.new_zeros(len(frames), BASELINE)
        log_probabilities: Tensor = self.network(frames, lengths, prosody, baseline)
        return log_probabilities


def takes_frames_alone(fitted: Fitted) -> bool:
    """Whether there is a `frame_module` of it."""
    return isinstance(fitted, FittedVectors | FittedFrames)


def frame_module(fitted: Fitted) -> nn.Module:
    """Return a module that maps frames (N, T, 25) and lengths (N,) to log-probabilities (N, L).

    The module is in evaluation mode.

    Raises:
        TypeError: `fitted` is no network of this project.
    """
    if isinstance(fitted, FittedVectors):
        return PooledNetwork(fitted).eval()
    if isinstance(fitted, FittedFrames):
        return FramesAlone(fitted).eval()
    raise TypeError(f"{type(fitted)}: attributions need a PyTorch network of this project")


def integrated_gradients(
    network: nn.Module, clips: Sequence[Float32], targets: Sequence[int], progress: str = ""
) -> list[Attribution]:
    """Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365) of each target.

    The weights of a clip sum to its log-probability minus that of the baseline.

    Args:
        network: maps frames (N, T, 25) and lengths (N,) to log-probabilities (N, L); in
            evaluation mode.
        clips: N clips of frames float32 (T, 25).
        targets: N columns of the network's output.
        progress: label of the progress bar.
    """
    torch.set_num_threads(1)  # so that sums keep their order
    baseline, gradients = _mean_frame(clips), IntegratedGradients(network)

    def weigh(frames: Float32, target: int) -> Tensor:
        inputs = torch.from_numpy(frames)[None]  # (1, T, 25)
        weights: Tensor = gradients.attribute(
            inputs,
            baselines=baseline.expand_as(inputs),
            target=target,
            additional_forward_args=(torch.tensor([len(frames)]),),
            n_steps=STEPS,
        )
        return weights

    return _attribute(weigh, clips, targets, progress)


def feature_ablation(
    probabilities: Callable[[Float32], Float32],
    clips: Sequence[Float32],
    targets: Sequence[int],
    progress: str = "",
) -> list[Attribution]:
    """Feature ablation: the log-probability lost when a block of numbers takes the baseline's.

    A clip is divided into at most 320 blocks, up to 10 parts of time by groups of neighbouring
    numbers. The loss of a block is spread evenly over its numbers.

    Args:
        probabilities: maps one clip, float32 (T, B), to probabilities (L,).
        clips: N clips, each (T, B).
        targets: N columns of the probabilities.
        progress: label of the progress bar.
    """

    def log_probabilities(inputs: Tensor) -> Tensor:  # (N, T, B) to (N, L)
        rows = np.stack([probabilities(clip) for clip in inputs.numpy()])
        return torch.from_numpy(np.log(np.maximum(rows.astype(np.float64), TINY)))

    baseline, ablation = _mean_frame(clips), FeatureAblation(log_probabilities)

    def weigh(frames: Float32, target: int) -> Tensor:
        inputs, blocks = torch.from_numpy(frames)[None], _blocks(*frames.shape)
        weights: Tensor = ablation.attribute(
            inputs, baselines=baseline.expand_as(inputs), target=target, feature_mask=blocks[None]
        )
        return weights / torch.bincount(blocks.flatten())[blocks]

    return _attribute(weigh, clips, targets, progress)


def _blocks(frames: int, numbers: int) -> Tensor:
    """The index of the block of each number, (frames, numbers)."""
    parts = min(frames, ABLATED_PARTS)
    width = -(-numbers // (BLOCKS // parts))
    rows, columns = np.arange(frames) * parts // frames, np.arange(numbers) // width
    return torch.from_numpy(rows[:, None] * (columns[-1] + 1) + columns)


def _mean_frame(clips: Sequence[Float32]) -> Tensor:
    return torch.from_numpy(np.concatenate(clips).mean(axis=0))


def _attribute(
    weigh: Callable[[Float32, int], Tensor],
    clips: Sequence[Float32],
    targets: Sequence[int],
    progress: str,
) -> list[Attribution]:
    pairs = zip(clips, targets, strict=True)
    bar = tqdm(pairs, total=len(clips), desc=progress, unit="clip", disable=None)
    return [
        Attribution(target, frames, weigh(frames, target)[0].numpy().astype(np.float64))
        for frames, target in bar
    ]


def choose_clips(speakers: npt.NDArray[np.str_], targets: Integers) -> list[int]:
    """Return the index of the first utterance of each speaker and emotion."""
    pairs = zip(speakers.tolist(), targets.tolist(), strict=True)
    first: dict[tuple[str, int], int] = {}
    for index, pair in enumerate(pairs):
        first.setdefault(pair, index)
    return sorted(first.values())


def shares(attributions: Sequence[Attribution], labels: int) -> Float64:
    """Return the mean distribution of absolute weights of each emotion, (L, 20, B); mean 1.

    Clips are aligned by relative time and weighted equally.
    """
    maps = np.zeros((labels, PARTS, attributions[0].frames.shape[1]))
    counts = np.zeros(labels)
    for attribution in attributions:
        weights = in_parts(np.abs(attribution.weights))
        maps[attribution.target] += weights * weights.size / max(weights.sum(), TINY)
        counts[attribution.target] += 1
    return maps / np.maximum(counts, 1)[:, None, None]


def in_parts(weights: Float64) -> Float64:
    """Sum weights (T, B) over 20 parts of equal length, (20, B); the total stays the same."""
    start = np.zeros((1, weights.shape[1]))
    totals = np.concatenate([start, np.cumsum(weights, axis=0)])
    edges = np.linspace(0, len(weights), PARTS + 1)
    columns = [np.interp(edges, np.arange(len(totals)), column) for column in totals.T]
    return np.diff(np.stack(columns, axis=1), axis=0)
