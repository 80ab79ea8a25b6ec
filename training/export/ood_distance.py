"""How far a vector lies from the training distribution, so that a foreign input can be told."""

from dataclasses import dataclass

import numpy as np
from sklearn.mixture import GaussianMixture

from training.arrays import Float32
from training.features.standardisation import Standardisation

CLUSTERS = 4
SHRINKAGE = 0.3  # added to every variance of the standardised coefficients


@dataclass(frozen=True)
class Distance:
    """Mahalanobis distance per coefficient from the nearest of a few clusters; about 1 is usual.

    One cluster will not do: loud, high voices lie so far from the mean of all voices that a
    distance which lets them pass lets zeros and noise pass too.
    """

    standardisation: Standardisation
    whitening: Float32  # (25, K * 25), from standardised coefficients to each cluster's own
    centres: Float32  # (K * 25,), of the clusters, in their own coefficients

    @classmethod
    def fit(cls, vectors: Float32, standardisation: Standardisation) -> "Distance":
        """From training vectors float32 (..., 25) and their standardisation."""
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
