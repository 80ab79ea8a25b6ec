"""Fitted networks with all that stands around them in the file that is served.

A served network says what its inputs are and on what it is to be tried before it is written.
"""

import copy
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from training.arrays import Float32, Integers
from training.export.ood_distance import Distance
from training.export.ood_graph import DistanceGraph, StandardiseVectors
from training.features.mfcc import pool
from training.features.recipe import RECIPE
from training.systems.base.system import Fitted
from training.systems.base.vectors import FittedVectors
from training.systems.tcn import FittedFrames

# No decibel cepstrum comes near it, and the sum of an hour of such frames is finite.
LARGEST_CEPSTRUM = 1e4
LENGTHS = (10, 11, 130, 3_000)  # frames, that a frame network is tried on

Feed = dict[str, Float32 | Integers]  # arrays by the name of the input


class Served(nn.Module):
    """A network as it is served: named inputs to probabilities (N, L) and distances (N,)."""

    axes: dict[str, dict[int, str]]  # by input, in their order: the names of its free dimensions

    @abstractmethod
    def feeds(self, clips: Sequence[Float32]) -> list[Feed]:
        """Real inputs, from frames float32 (T, 25) of clips."""

    @abstractmethod
    def extremes(self) -> Feed:
        """Finite inputs that a careless graph overflows on."""


def serve(fitted: Fitted, distance: Distance, temperature: float) -> Served:
    """The network with its temperature and its distance from the training distribution."""
    if isinstance(fitted, FittedVectors):
        return ServedVectors(fitted, distance, temperature).eval()
    if isinstance(fitted, FittedFrames):
        return ServedFrames(fitted, distance, temperature).eval()
    raise TypeError(f"{type(fitted)}: no such network is served")


class ServedVectors(Served):
    """Raw vectors in, in as few graph nodes as it takes.

    Of a prediction's microseconds most go to the nodes' number, not to their arithmetic.
    """

    axes = {"mfccs": {0: "N"}}  # noqa: RUF012  # a constant of the class

    def __init__(self, fitted: FittedVectors, distance: Distance, temperature: float) -> None:
        super().__init__()
        self.network = _tempered(fitted.module, temperature)
        self.standardise = StandardiseVectors(fitted.standardisation)
        self.distance = DistanceGraph(distance)

    def forward(self, mfccs: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (N, 25), any finite numbers, to probabilities (N, L) and distances (N,)."""
        standardised = self.standardise(mfccs)
        return torch.softmax(self.network(standardised), dim=1), self.distance(standardised)

    def feeds(self, clips: Sequence[Float32]) -> list[Feed]:
        """All of them at once."""
        return [{"mfccs": np.stack([pool(frames) for frames in clips])}]

    def extremes(self) -> Feed:
        """Zeros, and the largest numbers with any signs."""
        return {"mfccs": _extremes(1)[:, 0]}


class ServedFrames(Served):
    """Raw frames in; whatever stands behind a clip's length is not looked at."""

    axes = {"frames": {0: "N", 1: "T"}, "lengths": {0: "N"}}  # noqa: RUF012

    def __init__(self, fitted: FittedFrames, distance: Distance, temperature: float) -> None:
        super().__init__()
        self.network = copy.deepcopy(fitted.module)
        self.network.temperature.fill_(temperature)
        self.standardise = StandardiseVectors(distance.standardisation)
        self.distance = DistanceGraph(distance)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (N, T, 25), lengths (N,) within T, to probabilities (N, L), distances (N,)."""
        frames = torch.clamp(frames, -LARGEST_CEPSTRUM, LARGEST_CEPSTRUM)
        lengths = torch.clamp(lengths, 1, frames.shape[1])
        valid = torch.arange(frames.shape[1])[None] < lengths[:, None]
        means = torch.where(valid[..., None], frames, 0.0).sum(dim=1) / lengths[:, None]
        distances = self.distance(self.standardise(means))
        return torch.exp(self.network(frames, lengths)), distances

    def feeds(self, clips: Sequence[Float32]) -> list[Feed]:
        """Some clips as they are, together, and alone at every length that matters."""
        some = [np.asarray(clip) for clip in clips[:: max(1, len(clips) // 32)]]
        longest = max(map(len, some))
        together = np.stack([_repeated(clip, longest) for clip in some])
        feeds = [(together, [len(clip) for clip in some])]
        feeds += [(_repeated(some[0], length)[None], [length]) for length in LENGTHS]
        feeds += [(_repeated(some[0], length)[None], [length // 2 + 1]) for length in LENGTHS]
        return [{"frames": frames, "lengths": np.array(lengths)} for frames, lengths in feeds]

    def extremes(self) -> Feed:
        """Zeros, and the largest numbers with any signs."""
        frames = _extremes(LENGTHS[0])
        return {"frames": frames, "lengths": np.full(len(frames), LENGTHS[0])}


def _repeated(frames: Float32, length: int) -> Float32:
    """The clip over and over: (length, 25)."""
    return np.resize(frames, (length, frames.shape[1]))


def _extremes(length: int) -> Float32:
    """Frames (65, length, 25)."""
    shape = (64, length, RECIPE.n_mfcc)
    signs = np.where(np.random.default_rng(0).random(shape) < 0.5, -1, 1)
    largest = np.concatenate([signs * np.finfo(np.float32).max, np.zeros_like(signs[:1])])
    return largest.astype(np.float32)


def _tempered(module: nn.Module, temperature: float) -> nn.Module:
    """A copy of the network whose last layer gives logits that are divided by the temperature."""
    tempered = copy.deepcopy(module)
    *_, last = (layer for layer in tempered.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        last.weight.div_(temperature)
        last.bias.div_(temperature)
    return tempered
