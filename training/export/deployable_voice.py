"""The deployable model of a network that takes prosody and a baseline beside the MFCCs."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from training.arrays import Float32
from training.export.model import DeployableModel, Feed, StandardiseVectors
from training.export.ood_distance import Distance, DistanceModule
from training.systems.dnn_prosody import FittedVoice
from training.voice.clips import FORMS
from training.voice.summary import BASELINE, COEFFICIENTS, ROW, split

LARGEST = np.finfo(np.float32).max


class DeployableVoice(DeployableModel):
    """Takes raw vectors; zeros stand for prosody and baselines that are not given."""

    axes = {"mfccs": {0: "N"}, "prosody": {0: "N"}, "baseline": {0: "N"}}  # noqa: RUF012
    outputs = ("probabilities", "distance", "baseline_distance")
    temperatures: Tensor  # (4,): of MFCCs alone, and of the forms in `FORMS`

    def __init__(
        self,
        fitted: FittedVoice,
        distance: Distance,
        temperature: float,
        temperatures: Mapping[str, float],
    ) -> None:
        """`temperature` is that for MFCCs alone, `temperatures` those of the forms in `FORMS`."""
        super().__init__()
        self.offsets, self.network = fitted.offsets, fitted.module
        self.baseline_distance = fitted.distance
        self.standardise = StandardiseVectors(distance.standardisation)
        self.distance = DistanceModule(distance)
        forms = [temperatures.get(name, temperature) for name in FORMS]
        self.register_buffer("temperatures", torch.tensor([temperature, *forms]))

    def forward(
        self, mfccs: Tensor, prosody: Tensor, baseline: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """MFCCs (N, 25), prosody (N, P), baselines (N, 57), any finite numbers.

        Returns:
            Probabilities (N, L), distances (N,) and distances from the baselines (N,).
        """
        logits = self.network(self.offsets(mfccs, prosody, baseline))
        form = prosody.ne(0).any(dim=1).long() + 2 * baseline[:, -1].gt(0).long()
        probabilities = torch.softmax(logits / self.temperatures[form][:, None], dim=1)
        distances = self.distance(self.standardise(mfccs))
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


def _feed(rows: Float32) -> Feed:
    names = DeployableVoice.axes
    return dict(zip(names, map(np.ascontiguousarray, split(rows)), strict=True))
