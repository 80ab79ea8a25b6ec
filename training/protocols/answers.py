"""Answers to clips of a corpus: among its own emotions alone."""

from dataclasses import dataclass

import numpy as np

from training.arrays import Float32, Float64, Integers
from training.errors import UserError
from training.evaluation import Mask
from training.examples import Examples

LEFT_OUT = -1
LEAST = 1e-12  # in the place of the probability 0, whose logarithm is not finite
CALM, NEUTRAL = "calm", "neutral"


class NoCommonEmotionsError(UserError):
    """A corpus that cannot be measured; the message names its emotions and those of the others."""


@dataclass(frozen=True)
class Answers:
    """Where the probabilities of N clips count, and which of the L emotions is right.

    The emotions are those that the clip's corpus and the corpora of the fit both have. Calm counts
    as neutral where the corpus, or those of the fit together, have but one of the two.
    """

    counted_as: Integers  # (N, L), a column for each column; `LEFT_OUT` of other emotions
    targets: Integers  # (N,); `LEFT_OUT` where the clip's emotion was not in the fit

    def where(self, rows: Mask | Integers) -> "Answers":
        """To some of the clips."""
        return Answers(self.counted_as[rows], self.targets[rows])

    def log_probabilities(self, logits: Float32, temperatures: Float64) -> Float32:
        """Logarithms of probabilities, at least that of `LEAST`.

        Args:
            logits: (S, N, L); what is not a number stays so.
            temperatures: (N,).
        """
        tempered = logits.astype(np.float64) / temperatures[:, None]
        tempered -= tempered.max(axis=2, keepdims=True)
        weights, found = np.exp(tempered), np.zeros(logits.shape)
        for column in range(logits.shape[2]):
            counted = self.counted_as == column
            found[..., column] = (weights * counted).sum(axis=2)
        found /= found.sum(axis=2, keepdims=True)
        return np.log(np.maximum(found, LEAST)).astype(np.float32)


def answers_of(examples: Examples, own: Mask, fitted: Mask) -> Answers:
    """Of all examples.

    Args:
        examples: N clips.
        own: (N, L), the emotions of each clip's corpus.
        fitted: (N, L), the emotions of the corpora of the network that answers.

    Raises:
        NoCommonEmotionsError: a corpus has fewer than two emotions that the fit has.
    """
    pairs, index = np.unique(np.concatenate([own, fitted], axis=1), axis=0, return_inverse=True)
    rows = [common_columns(examples.labels, *np.split(pair, 2)) for pair in pairs]
    counted_as = np.stack(rows)[index.reshape(-1)]
    _require_two(examples, counted_as, fitted)
    targets: Integers = np.take_along_axis(counted_as, examples.targets[:, None], 1)[:, 0]
    return Answers(counted_as, targets)


def common_columns(labels: tuple[str, ...], own: Mask, fitted: Mask) -> Integers:
    """Where the probability of each label counts, as in `Answers`: (L,).

    Args:
        labels: the L emotions that one or the other has.
        own: (L,), the emotions of the corpus.
        fitted: (L,), the emotions of the network.
    """
    columns, own, fitted = np.arange(len(labels)), own.copy(), fitted.copy()
    if CALM in labels and NEUTRAL in labels:
        both = [labels.index(CALM), labels.index(NEUTRAL)]
        if not (own[both].all() and fitted[both].all()):
            calm, neutral = both
            columns[calm] = neutral
            own[neutral], fitted[neutral] = own[both].any(), fitted[both].any()
    return np.where((own & fitted)[columns], columns, LEFT_OUT)


def _require_two(examples: Examples, counted_as: Integers, fitted: Mask) -> None:
    for row, corpus in zip(*np.unique(examples.corpora, return_index=True)[::-1], strict=True):
        columns = np.unique(counted_as[row][counted_as[row] != LEFT_OUT])
        if len(columns) < 2:  # one answer cannot be wrong
            names = np.array(examples.labels)
            raise NoCommonEmotionsError(
                f"{corpus}: has {len(columns)} emotions in common with the corpora of the fit, "
                f"which have {', '.join(names[fitted[row]])}; expected at least 2"
            )
