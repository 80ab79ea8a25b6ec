"""Tasks beside the emotion that shape the embedding of a frame network."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.frames.hyperparameters import Hyperparameters


class _ReverseGradient(torch.autograd.Function):
    """Identity forwards, minus one backwards (Ganin and Lempitsky 2015, arXiv:1409.7495)."""

    @staticmethod
    def forward(_context: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        return -gradient


class AuxiliaryTasks(nn.Module):
    """Tasks that exist in training only and shape the embedding."""

    def __init__(self, embedding_size: int, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        self.hyperparameters = hyperparameters
        self.intensity = nn.Linear(embedding_size, 2)
        self.sex = nn.Linear(embedding_size, 2)
        self.statement = nn.Linear(embedding_size, 2)

    def forward(self, embedding: Tensor, labels: Tensor) -> Tensor:
        """The weighted sum of the losses of embeddings (N, E).

        `labels` (N, 3) are intensity, sex and statement: 0, 1, or -1 if unknown.
        """
        weights = self.hyperparameters
        reversed_embedding: Tensor = _ReverseGradient.apply(embedding)  # type: ignore[no-untyped-call]
        losses = (
            weights.intensity * _known_loss(self.intensity(embedding), labels[:, 0]),
            weights.sex * _known_loss(self.sex(embedding), labels[:, 1]),
            weights.statement * _known_loss(self.statement(reversed_embedding), labels[:, 2]),
        )
        return torch.stack(losses).sum()


def _known_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy of the rows whose target is known; 0 where there is none."""
    total = functional.cross_entropy(logits, targets, ignore_index=-1, reduction="sum")
    return total / (targets >= 0).sum().clamp_min(1)
