"""Frame networks: one member, and an ensemble of several."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.frames.blocks import AttentiveStatisticsPooling, ResidualBlock
from training.frames.companion import Companion
from training.frames.hyperparameters import Hyperparameters
from training.frames.inputs import Channels, valid

COMPANION_WEIGHT = 1.2  # of its logits, under full trust in the baseline


class Member(nn.Module):
    """One network: frames, lengths, prosody and baselines to logits (N, labels)."""

    def __init__(
        self, hyperparameters: Hyperparameters, dilations: Sequence[int], labels: int
    ) -> None:
        super().__init__()
        size = hyperparameters.channels
        self.inputs = Channels(hyperparameters)
        self.stem = nn.Conv1d(Channels.count, size, 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm1d(size)
        self.blocks = nn.ModuleList(ResidualBlock(hyperparameters, d) for d in dilations)
        self.pooling = AttentiveStatisticsPooling(size, hyperparameters.attention)
        self.embedding_norm = nn.BatchNorm1d(2 * size)
        self.dropout = nn.Dropout(hyperparameters.dropout)
        self.output = nn.Linear(2 * size, labels)

    @property
    def embedding_size(self) -> int:
        """Size of the vector before the output layer."""
        return self.output.in_features

    def embed(self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor) -> Tensor:
        """Turns the inputs of `FrameNetwork` to embeddings (N, 2 channels)."""
        mask = valid(frames, lengths)[:, None]
        x, speech = self.inputs(frames, mask, prosody, baseline)
        mask, speech = mask[..., ::2], speech[..., ::2]  # the stem's stride
        x = functional.silu(self.stem_norm(self.stem(x))) * mask
        for block in self.blocks:
            x = block(x, mask)
        embedding: Tensor = self.dropout(self.embedding_norm(self.pooling(x, mask, speech)))
        return embedding

    def forward(self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor) -> Tensor:
        """Logits (N, labels)."""
        logits: Tensor = self.output(self.embed(frames, lengths, prosody, baseline))
        return logits


class FrameNetwork(nn.Module):
    """The mean of the members' probabilities, times a power of a companion's, normalised.

    A logarithmic opinion pool (Heskes 1998, Selecting weighting factors in logarithmic opinion
    pools): whoever is sure decides. Without a baseline the companion has no say.
    """

    def __init__(self, members: Sequence[Member], companion: Companion | None = None) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.companion = companion

    def forward(self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor) -> Tensor:
        """Log-probabilities (N, labels); zeros stand for prosody and baselines not given.

        Args:
            frames: (N, T, 25), decibel cepstra.
            lengths: (N,), of the clips; frames beyond are ignored.
            prosody: (N, T, 3): log F0, voicing, level.
            baseline: (N, 57): mean (28) and spread (28) of other clips, and their number.
        """
        logits = self.member_logits(frames, lengths, prosody, baseline)
        mean = logits.log_softmax(-1).logsumexp(0) - math.log(len(logits))
        if self.companion is None:
            return mean
        own, trust = self.companion(frames, lengths, prosody, baseline)
        together: Tensor = mean + COMPANION_WEIGHT * trust * own
        return together.log_softmax(-1)

    def member_logits(
        self, frames: Tensor, lengths: Tensor, prosody: Tensor, baseline: Tensor
    ) -> Tensor:
        """Logits of each member, (members, N, labels)."""
        rows = [member(frames, lengths, prosody, baseline) for member in self.members]
        return torch.stack(rows)
