"""Calls of an ONNX Runtime session: one utterance or a batch, vectors or frames."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

OUTPUTS = ("probabilities", "distance")
# PERF: measured, see docs/decisions/batches.md. They also bound the memory of one call.
ROWS_PER_CALL = 256
UTTERANCES_PER_CALL = 32
FRAMES_PER_CALL = 8_192  # of all utterances, with padding; a longer utterance has its own call
LONGEST_TO_SHORTEST = 1.1  # greatest ratio of lengths in one call

Array = NDArray[np.float32]
Lengths = NDArray[np.int64]


class Prediction(NamedTuple):
    """The outputs of a network for one utterance."""

    probabilities: list[float]  # in the order of the labels; sum to 1
    distance: float  # of the input from the training distribution; 0 is its centre


class Scores(NamedTuple):
    """The outputs of a network for N utterances."""

    probabilities: Array  # float32 (N, L), in the order of the labels; each row sums to 1
    distance: Array  # float32 (N,), of each input from the training distribution


Predict = Callable[[Array], Prediction]
PredictBatch = Callable[[Array, Lengths | None], Scores]


def vector_predictor(session: ort.InferenceSession, n_mfcc: int, labels: int) -> Predict:
    """Predicts from one vector, or from the mean of frames. Not thread-safe.

    PERF: input and outputs are bound to the session once, which saves a third of each call.
    """
    vector = np.zeros((1, n_mfcc), np.float32)
    probabilities = np.zeros((1, labels), np.float32)
    distance = np.zeros(1, np.float32)
    binding = session.io_binding()
    for bind, name, array in (
        (binding.bind_input, "mfccs", vector),
        (binding.bind_output, "probabilities", probabilities),
        (binding.bind_output, "distance", distance),
    ):
        bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    run = session.run_with_iobinding

    def predict(mfccs: Array) -> Prediction:
        vector[0] = mfccs if mfccs.ndim == 1 else pool(mfccs)
        run(binding)
        return Prediction(probabilities[0].tolist(), distance.item())

    return predict


def frame_predictor(session: ort.InferenceSession) -> Predict:
    """Predicts from the frames of one utterance, float32 (T, n_mfcc)."""

    def predict(mfccs: Array) -> Prediction:
        feed = {"frames": mfccs[np.newaxis], "lengths": np.array([len(mfccs)], np.int64)}
        probabilities, distance = session.run(OUTPUTS, feed)
        return Prediction(probabilities[0].tolist(), distance.item())

    return predict


def vector_batch_predictor(session: ort.InferenceSession, labels: int) -> PredictBatch:
    """Predicts from float32 (N, n_mfcc) vectors, N >= 1; lengths are ignored."""

    def predict(mfccs: Array, _: Lengths | None) -> Scores:
        if len(mfccs) <= ROWS_PER_CALL:
            return Scores(*session.run(OUTPUTS, {"mfccs": mfccs}))
        scores = _empty_scores(len(mfccs), labels)
        for start in range(0, len(mfccs), ROWS_PER_CALL):
            rows = slice(start, start + ROWS_PER_CALL)
            found = session.run(OUTPUTS, {"mfccs": mfccs[rows]})
            scores.probabilities[rows], scores.distance[rows] = found
        return scores

    return predict


def frame_batch_predictor(session: ort.InferenceSession, labels: int) -> PredictBatch:
    """Predicts from float32 (N, T, n_mfcc) frames.

    `lengths` holds the number of frames of each utterance, 1 to T; by default T. Frames after the
    length of an utterance do not affect its prediction.
    """

    def predict(frames: Array, lengths: Lengths | None) -> Scores:
        if lengths is None:
            lengths = np.full(len(frames), frames.shape[1], np.int64)
        scores = _empty_scores(len(frames), labels)
        for group in _group_by_length(lengths):
            longest = lengths[group].max()
            feed = {"frames": frames[group, :longest], "lengths": lengths[group]}
            scores.probabilities[group], scores.distance[group] = session.run(OUTPUTS, feed)
        return scores

    return predict


def pool(frames: Array) -> Array:
    """The pooling of the contract: the mean of float32 (T, n_mfcc) frames, float32 (n_mfcc,)."""
    # A float32 sum of large values would overflow.
    mean: Array = frames.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def _empty_scores(utterances: int, labels: int) -> Scores:
    shape = (utterances, labels)
    return Scores(np.empty(shape, np.float32), np.empty(utterances, np.float32))


def _group_by_length(lengths: Lengths) -> Iterator[NDArray[np.intp]]:
    """Yields the indices of utterances of similar length, so that padding stays small.

    A group of several utterances has at most FRAMES_PER_CALL frames.
    """
    order = np.argsort(lengths, kind="stable")
    ordered = lengths[order]
    start = 0
    while start < len(order):
        similar = int(np.searchsorted(ordered, ordered[start] * LONGEST_TO_SHORTEST, "right"))
        stop = min(similar, start + UTTERANCES_PER_CALL)
        stop = start + min(stop - start, max(1, FRAMES_PER_CALL // int(ordered[stop - 1])))
        yield order[start:stop]
        start = stop
