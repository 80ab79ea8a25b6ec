"""The distance from the training distribution, as PyTorch computes it inside the graph."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.export.ood_distance import CLUSTERS, Distance
from training.features.recipe import RECIPE
from training.features.standardisation import CLIP, Standardisation


class StandardiseVectors(nn.Module):
    """One BatchNormalization node and one Clip: raw vectors (N, 25) to the same within +-20."""

    def __init__(self, standardisation: Standardisation) -> None:
        super().__init__()
        self.clip = CLIP
        self.mean = torch.from_numpy(standardisation.mean)
        self.variance = torch.square(torch.from_numpy(standardisation.scale))

    def forward(self, vectors: Tensor) -> Tensor:
        """(N, 25) to (N, 25)."""
        standardised = functional.batch_norm(vectors, self.mean, self.variance, eps=0.0)
        return torch.clamp(standardised, -self.clip, self.clip)


class DistanceGraph(nn.Module):
    """One Gemm and two reductions: standardised vectors (N, 25) to distances (N,)."""

    def __init__(self, distance: Distance) -> None:
        super().__init__()
        self.whitening = torch.from_numpy(distance.whitening).T.contiguous()
        self.centres = torch.from_numpy(distance.centres)

    def forward(self, standardised: Tensor) -> Tensor:
        """(N, 25) to (N,)."""
        offsets = functional.linear(standardised, self.whitening, -self.centres)
        offsets = offsets.reshape(-1, CLUSTERS, RECIPE.n_mfcc)
        distances: Tensor = torch.linalg.vector_norm(offsets, dim=2).amin(dim=1)
        return distances
