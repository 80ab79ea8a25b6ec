"""Many utterances at once: how they are shared out among the calls of a network."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

OUTPUTS = ("probabilities", "distance")
# PERF: measured, see docs/decisions/batches.md.
ROWS_AT_ONCE = 1_024
UTTERANCES_AT_ONCE = 32
LONGEST_TO_SHORTEST = 1.1  # of the utterances of one call

Array = NDArray[np.float32]
Lengths = NDArray[np.int64]


class Scores(NamedTuple):
    """What a network says of N utterances."""

    probabilities: Array  # float32 (N, L), in the order of the labels; each row sums to 1
    distance: Array  # float32 (N,), of each input from the training distribution


PredictBatch = Callable[[Array, Lengths | None], Scores]


def vector_batches(session: ort.InferenceSession, labels: int) -> PredictBatch:
    """Predicts from float32 (N, n_mfcc) vectors, N >= 1; there are no lengths."""

    def predict(mfccs: Array, _: Lengths | None) -> Scores:
        if len(mfccs) <= ROWS_AT_ONCE:
            return Scores(*session.run(OUTPUTS, {"mfccs": mfccs}))
        scores = _room_for(len(mfccs), labels)
        for start in range(0, len(mfccs), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            found = session.run(OUTPUTS, {"mfccs": mfccs[rows]})
            scores.probabilities[rows], scores.distance[rows] = found
        return scores

    return predict


def frame_batches(session: ort.InferenceSession, labels: int) -> PredictBatch:
    """Predicts from float32 (N, T, n_mfcc) frames, of which each utterance has `lengths`, 1 to T.

    Without lengths each has T. What stands behind an utterance's length changes nothing.
    """

    def predict(frames: Array, lengths: Lengths | None) -> Scores:
        if lengths is None:
            lengths = np.full(len(frames), frames.shape[1], np.int64)
        scores = _room_for(len(frames), labels)
        for group in _of_similar_length(lengths):
            longest = lengths[group].max()
            feed = {"frames": frames[group, :longest], "lengths": lengths[group]}
            scores.probabilities[group], scores.distance[group] = session.run(OUTPUTS, feed)
        return scores

    return predict


def _room_for(utterances: int, labels: int) -> Scores:
    shape = (utterances, labels)
    return Scores(np.empty(shape, np.float32), np.empty(utterances, np.float32))


def _of_similar_length(lengths: Lengths) -> Iterator[NDArray[np.intp]]:
    """Groups of utterances, as indices; padding one to the longest of its group costs little."""
    order = np.argsort(lengths, kind="stable")
    ordered = lengths[order]
    start = 0
    while start < len(order):
        similar = int(np.searchsorted(ordered, ordered[start] * LONGEST_TO_SHORTEST, "right"))
        stop = min(similar, start + UTTERANCES_AT_ONCE)
        yield order[start:stop]
        start = stop
