"""Tasks that exist in training only and shape the embedding."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class SideTaskWeights:
    """What each task's cross-entropy counts, beside the emotion's 1."""

    intensity: float = 0.3  # normal or strong
    sex: float = 0.3
    statement: float = 0.2  # adversarial: the embedding must not tell the words


class _ReverseGradient(torch.autograd.Function):
    """Identity forwards, minus one backwards (Ganin and Lempitsky 2015, arXiv:1409.7495)."""

    @staticmethod
    def forward(_context: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        return -gradient


class SideTasks(nn.Module):
    """Embeddings (N, E) and targets (N, 3) to one loss."""

    def __init__(self, embedding_size: int, weights: SideTaskWeights) -> None:
        super().__init__()
        self.weights = weights
        self.intensity = nn.Linear(embedding_size, 2)
        self.sex = nn.Linear(embedding_size, 2)
        self.statement = nn.Linear(embedding_size, 2)

    def forward(self, embedding: Tensor, traits: Tensor) -> Tensor:
        """The weighted sum; traits (N, 3) are intensity, sex, statement: 0, 1, or -1 if unknown."""
        reversed_embedding: Tensor = _ReverseGradient.apply(embedding)  # type: ignore[no-untyped-call]
        losses = (
            self.weights.intensity * _known_loss(self.intensity(embedding), traits[:, 0]),
            self.weights.sex * _known_loss(self.sex(embedding), traits[:, 1]),
            self.weights.statement * _known_loss(self.statement(reversed_embedding), traits[:, 2]),
        )
        return torch.stack(losses).sum()


def _known_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy of the rows whose target is known; 0 where there is none."""
    total = functional.cross_entropy(logits, targets, ignore_index=-1, reduction="sum")
    return total / (targets >= 0).sum().clamp_min(1)
