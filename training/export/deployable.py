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
from training.calibration import Temperature
from training.export.deployable_voice import DeployableVoice, DeployableVoiceFrames
from training.export.frame_feeds import extreme_clips, extremes, frame_feeds, valid_frames
from training.export.model import DeployableModel, Feed, StandardiseVectors, scale_at
from training.export.ood_distance import Distance, DistanceModule
from training.features.mfcc import pool
from training.features.recipe import RECIPE
from training.protocols.results import MFCCS_ALONE
from training.systems.base.system import Fitted
from training.systems.base.vectors import FittedVectors
from training.systems.dnn_prosody import FittedVoice
from training.systems.tcn import FittedFrames
from training.voice.clips import VoiceClip
from training.voice.summary import BASELINE, PROSODY


def deployable_model(
    fitted: Fitted,
    distance: Distance,
    temperatures: Mapping[str, Temperature],
) -> DeployableModel:
    """Combines a network, the distance from its training distribution and its temperatures.

    `temperatures` are those of MFCCs alone, and of the other forms of requests that it takes.
    """
    alone = temperatures[MFCCS_ALONE]
    if isinstance(fitted, FittedVoice):
        return DeployableVoice(fitted, distance, temperatures).eval()
    if isinstance(fitted, FittedVectors):
        return DeployableVectors(fitted, distance, alone).eval()
    if isinstance(fitted, FittedFrames) and fitted.distance:
        return DeployableVoiceFrames(fitted, fitted.distance, distance, temperatures).eval()
    if isinstance(fitted, FittedFrames):
        return DeployableFrames(fitted, distance, alone).eval()
    raise TypeError(f"{type(fitted)}: cannot be deployed; expected FittedVectors or FittedFrames")


class DeployableVectors(DeployableModel):
    """Takes raw vectors, with as few graph nodes as possible.

    The time of a prediction depends more on the number of nodes than on their arithmetic.
    """

    axes = {"mfccs": {0: "N"}}  # noqa: RUF012  # never changed

    def __init__(self, fitted: FittedVectors, distance: Distance, temperature: Temperature) -> None:
        super().__init__()
        self.network = _tempered(fitted.module, temperature.at_one)
        self.exponent = temperature.exponent
        self.standardise = StandardiseVectors(fitted.standardisation)
        self.distance = DistanceModule(distance)

    def forward(self, mfccs: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (N, 25), any finite numbers, to probabilities (N, L) and distances (N,)."""
        standardised = self.standardise(mfccs)
        logits, distances = self.network(standardised), self.distance(standardised)
        if self.exponent:  # no nodes where it is 0
            logits = logits * scale_at(distances, self.exponent)
        return torch.softmax(logits, dim=1), distances

    def feeds(self, clips: Sequence[Float32]) -> list[Feed]:
        """The vectors of all clips in one batch."""
        return [{"mfccs": np.stack([pool(frames) for frames in clips])}]

    def extremes(self) -> Feed:
        """Zeros, and the largest finite numbers with random signs."""
        return {"mfccs": extremes(1, RECIPE.n_mfcc)[:, 0]}


class DeployableFrames(DeployableModel):
    """Takes raw frames; those beyond the length of a clip are ignored."""

    axes = {"frames": {0: "N", 1: "T"}, "lengths": {0: "N"}}  # noqa: RUF012

    def __init__(self, fitted: FittedFrames, distance: Distance, temperature: Temperature) -> None:
        super().__init__()
        self.network, self.temperature = fitted.module, temperature
        self.standardise = StandardiseVectors(distance.standardisation)
        self.distance = DistanceModule(distance)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (N, T, 25), lengths (N,) within T, to probabilities (N, L), distances (N,)."""
        frames, lengths, means = valid_frames(frames, lengths)
        # `shape` stays free in the exported graph; `len` would fix the number of clips.
        prosody = frames.new_zeros(*frames.shape[:2], PROSODY)
        logits = self.network(frames, lengths, prosody, frames.new_zeros(frames.shape[0], BASELINE))
        distances = self.distance(self.standardise(means))
        scale = scale_at(distances, self.temperature.exponent) / self.temperature.at_one
        return torch.softmax(logits * scale, dim=1), distances

    def feeds(self, clips: Sequence[Float32]) -> list[Feed]:
        """Some clips in one batch, and one clip at each of several lengths."""
        return frame_feeds([VoiceClip.of(clip) for clip in clips], self.axes)

    def extremes(self) -> Feed:
        """Zeros, and the largest finite numbers with random signs."""
        return extreme_clips(self.axes)


def _tempered(module: nn.Module, temperature: float) -> nn.Module:
    """A copy of the network whose last layer divides the logits by the temperature."""
    tempered = copy.deepcopy(module)
    *_, last = (layer for layer in tempered.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        last.weight.div_(temperature)
        last.bias.div_(temperature)
    return tempered
