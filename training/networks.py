"""The networks, as their authors drew them: standardised features in, one logit per emotion out."""

from collections.abc import Callable

from torch import Tensor, nn

from training.features.recipe import RECIPE

Factory = Callable[[int, float], nn.Module]

COEFFICIENTS = RECIPE.n_mfcc
KERNEL = 5


class DNN(nn.Module):
    """A perceptron, 25-128-128-L: standardised vectors (N, 25) to logits (N, L)."""

    def __init__(self, labels: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(COEFFICIENTS, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, labels),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """(N, 25) to (N, L)."""
        logits: Tensor = self.layers(vectors)
        return logits


class CNN(nn.Module):
    """Four 1-D convolutions along the 25 coefficients, two poolings: (N, 25) to logits (N, L)."""

    def __init__(self, labels: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(  # (batch, channels, coefficients)
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


NETWORKS: dict[str, Factory] = {"CNN": CNN, "DNN": DNN}
