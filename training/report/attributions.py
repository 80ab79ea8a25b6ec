"""How much each number of a clip counted for an answer, whoever found it out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.arrays import Float32, Integers
from training.metrics import Float64

PARTS = 20  # of a clip, from its beginning to its end


@dataclass(frozen=True)
class Attribution:
    """One clip of B numbers a frame, and how much each of its numbers counted for one emotion."""

    target: int
    frames: Float32  # (T, B)
    weights: Float64  # (T, B), in nats; what finds them out says of what


def choose_clips(speakers: npt.NDArray[np.str_], targets: Integers) -> list[int]:
    """The first utterance of each speaker for each emotion, as indices."""
    pairs = zip(speakers.tolist(), targets.tolist(), strict=True)
    first: dict[tuple[str, int], int] = {}
    for index, pair in enumerate(pairs):
        first.setdefault(pair, index)
    return sorted(first.values())


def shares(attributions: Sequence[Attribution], labels: int) -> Float64:
    """Where the weight of each emotion's clips lies, (L, 20, B); 1 is an even spread.

    Signs are left out, every clip counts alike, and clips are aligned by relative time.
    """
    maps = np.zeros((labels, PARTS, attributions[0].frames.shape[1]))
    counts = np.zeros(labels)
    for attribution in attributions:
        weights = in_parts(np.abs(attribution.weights))
        maps[attribution.target] += weights * weights.size / max(weights.sum(), 1e-12)
        counts[attribution.target] += 1
    return maps / np.maximum(counts, 1)[:, None, None]


def in_parts(weights: Float64) -> Float64:
    """Weights (T, B) of frames to those of 20 parts of the clip, (20, B), of the same sum."""
    start = np.zeros((1, weights.shape[1]))
    totals = np.concatenate([start, np.cumsum(weights, axis=0)])
    edges = np.linspace(0, len(weights), PARTS + 1)
    columns = [np.interp(edges, np.arange(len(totals)), column) for column in totals.T]
    return np.diff(np.stack(columns, axis=1), axis=0)
