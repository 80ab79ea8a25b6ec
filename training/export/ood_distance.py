"""The distance of a vector from the training distribution, in NumPy and as a PyTorch module."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor, nn
from torch.nn import functional

from training.arrays import Float32
from training.features.recipe import RECIPE
from training.features.standardisation import Standardisation

CLUSTERS = 4
SHRINKAGE = 0.3  # added to every variance of the standardised coefficients


@dataclass(frozen=True)
class Distance:
    """Mahalanobis distance per coefficient from the nearest of a few clusters; 1 is typical.

    With a single cluster, loud, high voices are so far from the mean of all voices that a limit
    which accepts them also accepts zeros and noise.
    """

    standardisation: Standardisation
    whitening: Float32  # (25, K * 25), from standardised to whitened coefficients of each cluster
    centres: Float32  # (K * 25,), the clusters' means in their whitened coefficients

    @classmethod
    def fit(cls, vectors: Float32, standardisation: Standardisation) -> "Distance":
        """Fits the clusters to training vectors float32 (..., 25)."""
        rows = standardisation.apply(vectors).reshape(-1, vectors.shape[-1]).astype(np.float64)
        mixture = GaussianMixture(CLUSTERS, reg_covar=SHRINKAGE, random_state=0).fit(rows)
        whitenings = mixture.precisions_cholesky_ / np.sqrt(rows.shape[1])  # (K, 25, 25)
        centres = np.einsum("ki,kij->kj", mixture.means_, whitenings).reshape(-1)
        whitening = np.concatenate(whitenings, axis=1)
        return cls(standardisation, whitening.astype(np.float32), centres.astype(np.float32))

    def of(self, vectors: Float32) -> Float32:
        """Vectors float32 (N, 25) to distances float32 (N,), finite and at least 0."""
        offsets = self.standardisation.apply(vectors) @ self.whitening - self.centres
        squares = np.square(offsets).reshape(len(vectors), CLUSTERS, -1).sum(axis=2)
        distances: Float32 = np.sqrt(squares.min(axis=1))
        return distances


class DistanceModule(nn.Module):
    """The same for standardised vectors, in one Gemm and two reductions."""

    def __init__(self, distance: Distance) -> None:
        super().__init__()
        self.whitening = torch.from_numpy(distance.whitening).T.contiguous()
        self.centres = torch.from_numpy(distance.centres)

    def forward(self, standardised: Tensor) -> Tensor:
        """Standardised vectors (N, 25) to distances (N,)."""
        offsets = functional.linear(standardised, self.whitening, -self.centres)
        offsets = offsets.reshape(-1, CLUSTERS, RECIPE.n_mfcc)
        distances: Tensor = torch.linalg.vector_norm(offsets, dim=2).amin(dim=1)
        return distances
