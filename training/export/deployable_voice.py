"""Deployable models of networks that take prosody and a baseline beside the MFCCs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from training.arrays import Float32
from training.calibration import Temperature
from training.export.frame_feeds import LARGEST, extreme_clips, frame_feeds, valid_frames, within
from training.export.model import DeployableModel, Feed, StandardiseVectors, scale_at
from training.export.ood_distance import Distance, DistanceModule
from training.export.quick_voice import QuickVoiceFrames
from training.features.recordings.statistics import STATISTICS
from training.frames.network import FrameNetwork
from training.protocols.results import MFCCS_ALONE
from training.systems.dnn_prosody import FittedVoice
from training.systems.tcn import FittedFrames
from training.voice.baseline_distance import BaselineDistance
from training.voice.clips import FORMS, VoiceClip
from training.voice.summary import BASELINE, COEFFICIENTS, PROSODY, ROW, split


class DeployableVoice(DeployableModel):
    """Takes raw vectors; zeros stand for prosody and baselines that are not given."""

    axes = {"mfccs": {0: "N"}, "prosody": {0: "N"}, "baseline": {0: "N"}}  # noqa: RUF012
    outputs = ("probabilities", "distance", "baseline_distance")
    temperatures: Tensor  # (4, 2): of MFCCs alone, and of the forms in `FORMS`

    def __init__(
        self,
        fitted: FittedVoice,
        distance: Distance,
        temperatures: Mapping[str, Temperature],
    ) -> None:
        """`temperatures` are those of MFCCs alone and of the forms in `FORMS`."""
        super().__init__()
        self.offsets, self.network = fitted.offsets, fitted.module
        self.baseline_distance = fitted.distance
        self.standardise = StandardiseVectors(distance.standardisation)
        self.distance = DistanceModule(distance)
        self.register_buffer("temperatures", _of_forms(temperatures))

    def forward(
        self, mfccs: Tensor, prosody: Tensor, baseline: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """MFCCs (N, 25), prosody (N, P), baselines (N, 57), any finite numbers.

        Returns:
            Probabilities (N, L), distances (N,) and distances from the baselines (N,).
        """
        logits = self.network(self.offsets(mfccs, prosody, baseline))
        distances = self.distance(self.standardise(mfccs))
        temperatures = self.temperatures[_form(prosody, baseline)]
        probabilities = _tempered(logits, temperatures, distances)
        return probabilities, distances, self.baseline_distance(mfccs, prosody, baseline)

    def example(self) -> Feed:
        """Two clips."""
        return _feed(np.ones((2, ROW), np.float32))

    def feeds(self, clips: Sequence[Float32]) -> list[Feed]:
        """All clips in one batch, in each form of request; a clip is a row (ROW,)."""
        rows = np.stack(clips)
        prosody, baseline = (np.zeros_like(rows) for _ in range(2))
        prosody[:, COEFFICIENTS : ROW - BASELINE] = 1
        baseline[:, ROW - BASELINE :] = 1
        masks = (0, prosody, baseline, prosody + baseline)
        return [_feed((rows * (1 - mask)).astype(np.float32)) for mask in masks]

    def extremes(self) -> Feed:
        """Zeros, and the largest finite numbers with random signs."""
        signs = np.where(np.random.default_rng(0).random((64, ROW)) < 0.5, -1, 1)
        rows = np.concatenate([signs * LARGEST, np.abs(signs) * LARGEST, 0 * signs[:1]])
        return _feed(rows.astype(np.float32))


class DeployableVoiceFrames(DeployableModel):
    """Takes raw frames; zeros stand for prosody and baselines that are not given."""

    axes = {  # noqa: RUF012  # never changed
        "frames": {0: "N", 1: "T"},
        "lengths": {0: "N"},
        "prosody": {0: "N", 1: "T"},
        "baseline": {0: "N"},
    }
    outputs = ("probabilities", "distance", "baseline_distance")
    temperatures: Tensor  # (4, 2): of frames alone, and of the forms in `FORMS`

    def __init__(
        self,
        fitted: FittedFrames,
        baseline_distance: BaselineDistance,
        distance: Distance,
        temperatures: Mapping[str, Temperature],
    ) -> None:
        """`temperatures` are those of frames alone and of the forms in `FORMS`."""
        super().__init__()
        self.network, self.baseline_distance = fitted.module, baseline_distance
        self.standardise = StandardiseVectors(distance.standardisation)
        self.distance = DistanceModule(distance)
        self.register_buffer("temperatures", _of_forms(temperatures))

    def forward(
        self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Frames (N, T, 25), lengths (N,), prosody (N, T, 3), baselines (N, 57).

        Returns:
            Probabilities (N, L), distances (N,) and distances from the baselines (N,), which
            compare the mean MFCCs alone.
        """
        frames, lengths, means = valid_frames(frames, lengths)
        prosody = torch.where(within(frames, lengths), prosody, 0.0)
        logits = self.network(frames, lengths, prosody, baseline)
        distances = self.distance(self.standardise(means))
        temperatures = self.temperatures[_form(prosody.flatten(1), baseline)]
        probabilities = _tempered(logits, temperatures, distances)
        statistics = means.new_zeros(means.shape[0], len(STATISTICS))
        from_baseline = self.baseline_distance(means, statistics, baseline)
        return probabilities, distances, from_baseline

    def exported(self) -> nn.Module:
        """The same function of fewer nodes, where the network is one that has such a form."""
        return _QuickVoiceFrames(self) if type(self.network) is FrameNetwork else self

    def example(self) -> Feed:
        """Two clips."""
        return frame_feeds([_CLIP] * 2, self.axes)[0]

    def feeds(self, clips: Sequence[VoiceClip]) -> list[Feed]:
        """Clips of several lengths, in each form of request."""
        return [
            feed for form in _FORMS for feed in frame_feeds([form(c) for c in clips], self.axes)
        ]

    def extremes(self) -> Feed:
        """Zeros, and the largest finite numbers with random signs."""
        return extreme_clips(self.axes)


class _QuickVoiceFrames(nn.Module):
    """The file's graph, which is compared with `DeployableVoiceFrames`."""

    temperatures: Tensor

    def __init__(self, model: DeployableVoiceFrames) -> None:
        super().__init__()
        self.quick = QuickVoiceFrames(
            model.network, model.standardise, model.distance, model.baseline_distance
        )
        self.register_buffer("temperatures", model.temperatures)

    def forward(
        self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As that of `DeployableVoiceFrames`."""
        logits, form, distances, from_baseline = self.quick(frames, lengths, prosody, baseline)
        return _tempered(logits, self.temperatures[form], distances), distances, from_baseline


_CLIP = VoiceClip(
    np.zeros((64, COEFFICIENTS), np.float32),
    np.ones((64, PROSODY), np.float32),
    np.ones(BASELINE, np.float32),
)
_FORMS: tuple[Callable[[VoiceClip], VoiceClip], ...] = (
    lambda clip: clip,
    lambda clip: replace(clip, prosody=np.zeros_like(clip.prosody)),
    lambda clip: replace(clip, baseline=np.zeros_like(clip.baseline)),
    lambda clip: VoiceClip.of(clip.frames),
)


def _of_forms(temperatures: Mapping[str, Temperature]) -> Tensor:
    """(4, 2): without prosody and baseline, and of each form in `FORMS`."""
    found = (temperatures[name] for name in (MFCCS_ALONE, *FORMS))
    return torch.tensor([(each.at_one, each.exponent) for each in found])


def _tempered(logits: Tensor, temperatures: Tensor, distances: Tensor) -> Tensor:
    """Probabilities (N, L), of rows (N, 2) of temperatures."""
    at_one, exponents = temperatures[:, :1], temperatures[:, 1:]
    return torch.softmax(logits / at_one * scale_at(distances, exponents), dim=1)


def _form(prosody: Tensor, baseline: Tensor) -> Tensor:
    """The row of the temperatures, (N,)."""
    return prosody.ne(0).any(dim=1).long() + 2 * baseline[:, -1].gt(0).long()


def _feed(rows: Float32) -> Feed:
    names = DeployableVoice.axes
    return dict(zip(names, map(np.ascontiguousarray, split(rows)), strict=True))
