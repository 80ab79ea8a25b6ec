"""DNN: a perceptron over the mean MFCC frame, one of the two networks of the original service."""

import torch
from torch import Tensor, nn

from training.features.descriptors import ServedFeatures
from training.features.recipe import RECIPE
from training.systems.base.system import System
from training.systems.base.vectors import VectorHyperparameters, VectorModel

HIDDEN = 128
LEVEL = 2.0  # standard deviations


class RandomLevel(nn.Module):
    """In training, gives each clip a level of its own, as other microphones would.

    A gain adds the same number to coefficient 0 of every frame, and to no other. By their levels
    corpora are told apart better than emotions.
    """

    def forward(self, vectors: Tensor) -> Tensor:
        """Standardised vectors (N, 25)."""
        if not self.training:
            return vectors
        level = torch.randn(len(vectors), 1, device=vectors.device)
        return torch.cat([vectors[:, :1] + LEVEL * level, vectors[:, 1:]], dim=1)


class DNN(nn.Module):
    """25-128-128-L: standardised vectors (N, 25) to logits (N, L)."""

    def __init__(self, labels: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            RandomLevel(),
            nn.Linear(RECIPE.n_mfcc, HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, labels),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """(N, 25) to (N, L)."""
        logits: Tensor = self.layers(vectors)
        return logits


SYSTEM = System(
    name="DNN",
    title="DNN on the mean MFCCs",
    source="this project",
    claim="see models/README.md",
    features=ServedFeatures(),
    models=(VectorModel(network=DNN, hyperparameters=VectorHyperparameters()),),
    compared_with={"epochs": 120},  # as many steps as its 40 are on the three times larger RAVDESS
    shipped=True,
)
