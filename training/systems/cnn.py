"""CNN: convolutions along the mean MFCC frame, one of the two networks of the original service."""

from torch import Tensor, nn

from training.features.descriptors import ServedFeatures
from training.features.recipe import RECIPE
from training.systems.base.system import System
from training.systems.base.vectors import VectorHyperparameters, VectorModel
from training.systems.dnn import RandomLevel

COEFFICIENTS = RECIPE.n_mfcc
KERNEL = 5


class CNN(nn.Module):
    """Four 1-D convolutions along the 25 coefficients, two poolings: (N, 25) to logits (N, L)."""

    def __init__(self, labels: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(  # (batch, channels, coefficients)
            RandomLevel(),
            nn.Unflatten(1, (1, COEFFICIENTS)),
            *_convolution(1, 64),
            *_convolution(64, 128),
            nn.MaxPool1d(2),
            nn.Dropout(dropout),
            *_convolution(128, 128),
            *_convolution(128, 128),
            nn.MaxPool1d(2),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(128 * (COEFFICIENTS // 2 // 2), labels),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """(N, 25) to (N, L)."""
        logits: Tensor = self.layers(vectors)
        return logits


def _convolution(channels_in: int, channels_out: int) -> tuple[nn.Module, ...]:
    return nn.Conv1d(channels_in, channels_out, KERNEL, padding="same"), nn.ReLU()


SYSTEM = System(
    name="CNN",
    title="CNN on the mean MFCCs",
    source="this project",
    claim="see models/README.md",
    features=ServedFeatures(),
    models=(
        VectorModel(
            network=CNN,
            hyperparameters=VectorHyperparameters(),
            modules=("training.features.standardisation", "training.systems.dnn"),
        ),
    ),
    compared_with={"epochs": 120},  # as many steps as its 40 are on the three times larger RAVDESS
    shipped=True,
)
