"""The base of deployable models: named inputs, and those on which a model is verified."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.arrays import Float32, Integers
from training.calibration import FURTHEST, NEAREST
from training.features.recipe import RECIPE
from training.features.standardisation import CLIP, Standardisation

Feed = dict[str, Float32 | Integers]  # arrays by input name


class StandardiseVectors(nn.Module):
    """Standardises and clips with one BatchNormalization node and one Clip node."""

    def __init__(self, standardisation: Standardisation) -> None:
        super().__init__()
        self.clip = CLIP
        self.mean = torch.from_numpy(standardisation.mean)
        self.variance = torch.square(torch.from_numpy(standardisation.scale))

    def forward(self, vectors: Tensor) -> Tensor:
        """Raw vectors (N, 25) to standardised vectors (N, 25) within +-20."""
        standardised = functional.batch_norm(vectors, self.mean, self.variance, eps=0.0)
        return torch.clamp(standardised, -self.clip, self.clip)


def scale_at(distances: Tensor, exponents: Tensor | float) -> Tensor:
    """What logits are multiplied by at distances (N,), beside that at the distance 1: (N, 1)."""
    return torch.clamp(distances, NEAREST, FURTHEST)[:, None] ** -exponents


class DeployableModel(nn.Module):
    """Named inputs to probabilities (N, L) and distances (N,)."""

    axes: dict[str, dict[int, str]]  # by input, in order: the names of its free dimensions
    outputs: tuple[str, ...] = ("probabilities", "distance")

    def exported(self) -> nn.Module:
        """What is written: this, or the same function in a form that runs faster."""
        return self

    def example(self) -> Feed:
        """Inputs of the right shapes."""
        return self.feeds([np.zeros((64, RECIPE.n_mfcc), np.float32)] * 2)[0]

    @abstractmethod
    def feeds(self, clips: Sequence[Any]) -> list[Feed]:
        """Real inputs, made from clips as the network takes them."""

    @abstractmethod
    def extremes(self) -> Feed:
        """Finite inputs on which a graph without clipping would overflow."""
