"""Deployable models: a fitted network with standardisation, temperature and distance.

A deployable model names its inputs, and provides the inputs on which it is verified before it is
written.
"""

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from training.arrays import Float32
from training.export.deployable_voice import DeployableVoice
from training.export.model import DeployableModel, Feed, StandardiseVectors
from training.export.ood_distance import Distance, DistanceModule
from training.features.mfcc import pool
from training.features.recipe import RECIPE
from training.systems.base.system import Fitted
from training.systems.base.vectors import FittedVectors
from training.systems.dnn_prosody import FittedVoice
from training.systems.tcn import FittedFrames

# Far above any decibel cepstrum; the sum over an hour of such frames is still finite.
LARGEST_CEPSTRUM = 1e4
LENGTHS = (10, 11, 130, 3_000)  # frames, on which a frame network is verified


def deployable_model(
    fitted: Fitted,
    distance: Distance,
    temperature: float,
    temperatures: Mapping[str, float] | None = None,
) -> DeployableModel:
    """Combines a network, the distance from its training distribution and its temperature.

    `temperatures` are those of other forms of requests, for networks that take prosody.
    """
    if isinstance(fitted, FittedVoice):
        return DeployableVoice(fitted, distance, temperature, temperatures or {}).eval()
    if isinstance(fitted, FittedVectors):
        return DeployableVectors(fitted, distance, temperature).eval()
    if isinstance(fitted, FittedFrames):
        return DeployableFrames(fitted, distance, temperature).eval()
    raise TypeError(f"{type(fitted)}: cannot be deployed; expected FittedVectors or FittedFrames")


class DeployableVectors(DeployableModel):
    """Takes raw vectors, with as few graph nodes as possible.

    The time of a prediction depends more on the number of nodes than on their arithmetic.
    """

    axes = {"mfccs": {0: "N"}}  # noqa: RUF012  # never changed

    def __init__(self, fitted: FittedVectors, distance: Distance, temperature: float) -> None:
        super().__init__()
        self.network = _tempered(fitted.module, temperature)
        self.standardise = StandardiseVectors(fitted.standardisation)
        self.distance = DistanceModule(distance)

    def forward(self, mfccs: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (N, 25), any finite numbers, to probabilities (N, L) and distances (N,)."""
        standardised = self.standardise(mfccs)
        return torch.softmax(self.network(standardised), dim=1), self.distance(standardised)

    def feeds(self, clips: Sequence[Float32]) -> list[Feed]:
        """The vectors of all clips in one batch."""
        return [{"mfccs": np.stack([pool(frames) for frames in clips])}]

    def extremes(self) -> Feed:
        """Zeros, and the largest finite numbers with random signs."""
        return {"mfccs": _extremes(1)[:, 0]}


class DeployableFrames(DeployableModel):
    """Takes raw frames; those beyond the length of a clip are ignored."""

    axes = {"frames": {0: "N", 1: "T"}, "lengths": {0: "N"}}  # noqa: RUF012

    def __init__(self, fitted: FittedFrames, distance: Distance, temperature: float) -> None:
        super().__init__()
        self.network = copy.deepcopy(fitted.module)
        self.network.temperature.fill_(temperature)
        self.standardise = StandardiseVectors(distance.standardisation)
        self.distance = DistanceModule(distance)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (N, T, 25), lengths (N,) within T, to probabilities (N, L), distances (N,)."""
        frames = torch.clamp(frames, -LARGEST_CEPSTRUM, LARGEST_CEPSTRUM)
        lengths = torch.clamp(lengths, 1, frames.shape[1])
        valid = torch.arange(frames.shape[1])[None] < lengths[:, None]
        means = torch.where(valid[..., None], frames, 0.0).sum(dim=1) / lengths[:, None]
        distances = self.distance(self.standardise(means))
        return torch.exp(self.network(frames, lengths)), distances

    def feeds(self, clips: Sequence[Float32]) -> list[Feed]:
        """Some clips in one batch, and one clip at each of several lengths."""
        some = [np.asarray(clip) for clip in clips[:: max(1, len(clips) // 32)]]
        longest = max(map(len, some))
        together = np.stack([_repeated(clip, longest) for clip in some])
        feeds = [(together, [len(clip) for clip in some])]
        feeds += [(_repeated(some[0], length)[None], [length]) for length in LENGTHS]
        feeds += [(_repeated(some[0], length)[None], [length // 2 + 1]) for length in LENGTHS]
        return [{"frames": frames, "lengths": np.array(lengths)} for frames, lengths in feeds]

    def extremes(self) -> Feed:
        """Zeros, and the largest finite numbers with random signs."""
        frames = _extremes(LENGTHS[0])
        return {"frames": frames, "lengths": np.full(len(frames), LENGTHS[0])}


def _repeated(frames: Float32, length: int) -> Float32:
    """The clip repeated up to a length, (length, 25)."""
    return np.resize(frames, (length, frames.shape[1]))


def _extremes(length: int) -> Float32:
    """Extreme frames (65, length, 25)."""
    shape = (64, length, RECIPE.n_mfcc)
    signs = np.where(np.random.default_rng(0).random(shape) < 0.5, -1, 1)
    largest = np.concatenate([signs * np.finfo(np.float32).max, np.zeros_like(signs[:1])])
    return largest.astype(np.float32)


def _tempered(module: nn.Module, temperature: float) -> nn.Module:
    """A copy of the network whose last layer divides the logits by the temperature."""
    tempered = copy.deepcopy(module)
    *_, last = (layer for layer in tempered.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        last.weight.div_(temperature)
        last.bias.div_(temperature)
    return tempered
