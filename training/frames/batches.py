"""Draws become batches of one length each: little is cropped, nothing is padded."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from training.arrays import Float32, Integers
from training.audio.augmentation import Augmenter


@dataclass(frozen=True)
class Batching:
    """Sizes of the batches."""

    size: int = 32
    longest: int = 80  # frames; longer utterances are cropped at random
    step: int = 8  # lengths are multiples of it: few shapes, so kernels are reused
    disorder: float = 0.06  # of the lengths' logarithm: not always the same neighbours

    def length(self, lengths: Integers) -> int:
        """Frames of a batch of utterances that have so many each, (B,)."""
        rounded = int(np.percentile(lengths, 25) + self.step // 2) // self.step * self.step
        return max(2 * self.step, min(self.longest, rounded))


def epoch_batches(
    augmenter: Augmenter, mean: Float32, batching: Batching
) -> Iterator[tuple[Integers, Float32]]:
    """Every utterance once: rows (B,) and frames (B, T, 25)."""
    random = augmenter.random
    draws = [augmenter.draw(row) for row in range(len(augmenter.spectra))]
    lengths = np.array([min(draw.length, batching.longest) for draw in draws])
    order = np.argsort(lengths * np.exp(random.normal(0, batching.disorder, len(draws))))
    groups = np.split(order, range(batching.size, len(order), batching.size))
    enough = [g for g in groups if 2 * len(g) >= min(batching.size, len(order))]
    for index in random.permutation(len(enough)):
        chosen = [draws[i] for i in enough[index]]
        frames = augmenter.frames(chosen, batching.length(lengths[enough[index]]), mean)
        yield np.array([draw.row for draw in chosen]), frames
