"""Standardisation of vectors, finite for every finite input."""

from dataclasses import dataclass

import numpy as np

from training.arrays import Float32

CLIP = 20.0  # standard deviations at which values are clipped


@dataclass(frozen=True)
class Standardisation:
    """Shifts and scales each coefficient to zero mean and unit variance, and clips at +-20."""

    mean: Float32  # (25,)
    scale: Float32  # (25,), standard deviations

    @classmethod
    def fit(cls, vectors: Float32) -> "Standardisation":
        """Computes mean and scale of training vectors float32 (..., 25)."""
        rows = vectors.reshape(-1, vectors.shape[-1]).astype(np.float64)
        scale = np.maximum(rows.std(axis=0), 1e-6)
        return cls(rows.mean(axis=0).astype(np.float32), scale.astype(np.float32))

    @property
    def limits(self) -> tuple[Float32, Float32]:
        """The least and the greatest coefficients, (25,) each, that are not clipped."""
        return self.mean - CLIP * self.scale, self.mean + CLIP * self.scale

    def apply(self, vectors: Float32) -> Float32:
        """Vectors float32 (..., 25), any finite numbers, to float32 (..., 25) within +-20."""
        standardised: Float32 = (np.clip(vectors, *self.limits) - self.mean) / self.scale
        return standardised
