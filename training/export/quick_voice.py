"""`DeployableVoiceFrames` as a graph of few nodes."""

import torch
from torch import Tensor, nn

from training.export.model import StandardiseVectors
from training.export.ood_distance import DistanceModule
from training.export.quick_frames import QuickFrames
from training.export.quick_statistics import Moments
from training.features.recipe import RECIPE
from training.frames.network import FrameNetwork
from training.voice.baseline_distance import FITTED_TO, BaselineDistance
from training.voice.offsets import CLIP, CLIPS, LARGEST


class QuickVoiceFrames(nn.Module):
    """Takes the same inputs; its log-probabilities are not tempered yet."""

    def __init__(
        self,
        network: FrameNetwork,
        standardise: StandardiseVectors,
        distance: DistanceModule,
        baseline_distance: BaselineDistance,
    ) -> None:
        super().__init__()
        self.network, self.standardise, self.distance = QuickFrames(network), standardise, distance
        self.baseline_distance = QuickBaselineDistance(baseline_distance)

    def forward(
        self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Log-probabilities (N, L), forms (N,), and both distances (N,)."""
        moments = Moments(frames, lengths, prosody, baseline)
        means = moments.means[:, 0]
        form = (moments.given + 2 * baseline[:, -1:].gt(0).float())[:, 0].long()
        from_baseline = self.baseline_distance(means, baseline)
        return self.network(moments), form, self.distance(self.standardise(means)), from_baseline


class QuickBaselineDistance(nn.Module):
    """`BaselineDistance` of MFCCs without prosody."""

    mean: Tensor
    scale: Tensor
    unspoken: Tensor

    def __init__(self, distance: BaselineDistance) -> None:
        super().__init__()
        for name in ("mean", "scale"):
            self.register_buffer(name, getattr(distance, name)[: RECIPE.n_mfcc])
        self.register_buffer("unspoken", distance.unspoken)

    def forward(self, means: Tensor, baseline: Tensor) -> Tensor:
        """Mean MFCCs (N, 25) and baselines (N, 57) to distances (N,)."""
        columns = baseline[:, : RECIPE.n_mfcc].clamp(-LARGEST, LARGEST)
        offsets = ((means - columns - self.mean) / self.scale).clamp(-CLIP, CLIP)
        offsets = torch.where(means.bool() & columns.bool(), offsets, 0.0)
        distance = torch.linalg.vector_norm(offsets @ self.unspoken, dim=1)
        clips = baseline[:, -1].clamp(0.0, CLIPS)
        found: Tensor = distance * ((1 + 1 / FITTED_TO) * clips / (clips + 1)).sqrt()
        return found
