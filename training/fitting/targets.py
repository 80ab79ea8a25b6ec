"""What utterances are labelled with, and which emotions their corpora could have given them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.examples import Examples

# Weight of a corpus of n utterances: n to this power, so that no large one drowns the others.
CORPUS_POWER = 0.5
IMPOSSIBLE = -1e4  # the logit of an emotion that a corpus does not have


@dataclass(frozen=True)
class Targets:
    """The targets of N utterances over L emotions."""

    shares: Tensor  # float32 (N, L); a row sums to the weight of its utterance
    possible: Tensor  # bool (N, L): the emotions that the utterance's corpus has

    @classmethod
    def of(cls, examples: Examples, *, smoothing: float, balanced: bool) -> "Targets":
        """Smoothed one-hot targets.

        Args:
            examples: the utterances.
            smoothing: share of the target that is spread over the emotions of the corpus.
            balanced: whether every emotion of a corpus has the same total weight.
        """
        possible = torch.from_numpy(examples.possible)
        one_hot = functional.one_hot(torch.from_numpy(examples.targets), len(examples.labels))
        spread = possible.float() / possible.sum(dim=1, keepdim=True)
        shares = (1 - smoothing) * one_hot + smoothing * spread
        weights = torch.from_numpy(balancing_weights(examples)) if balanced else 1.0
        return cls(shares * torch.as_tensor(weights).reshape(-1, 1), possible)

    def to(self, device: torch.device) -> "Targets":
        """The same on a device."""
        return Targets(self.shares.to(device), self.possible.to(device))

    def of_rows(self, rows: Tensor) -> "Targets":
        """Those of some utterances (n,)."""
        return Targets(self.shares[rows], self.possible[rows])

    def mixed(self, other: Tensor, share: Tensor | float) -> "Targets":
        """`share` of each row, and the rest of row `other` (N,); over the emotions of both."""
        shares = share * self.shares + (1 - share) * self.shares[other]
        return Targets(shares, self.possible | self.possible[other])


def balancing_weights(examples: Examples) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The weight of each utterance, (N,), 1 on average."""
    _, corpus, sizes = np.unique(examples.corpora, return_inverse=True, return_counts=True)
    groups = corpus * len(examples.labels) + examples.targets
    found, group, counts = np.unique(groups, return_inverse=True, return_counts=True)
    emotions = np.bincount(found // len(examples.labels))  # that occur in each corpus
    weights = sizes[corpus] ** CORPUS_POWER / emotions[corpus] / counts[group]
    normalised: np.ndarray[tuple[int], np.dtype[np.float32]] = weights / weights.mean()
    return normalised.astype(np.float32)


def cross_entropy(logits: Tensor, targets: Targets) -> Tensor:
    """The mean over the batch, of logits (n, L); the softmax runs over the possible emotions."""
    known = logits.masked_fill(~targets.possible, IMPOSSIBLE)
    return functional.cross_entropy(known, targets.shares, reduction="none").mean()
