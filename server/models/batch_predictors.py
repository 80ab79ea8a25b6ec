"""Calls of an ONNX Runtime session for a batch of utterances: vectors or frames."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from server.models.predictors import Array, Feed, Lengths, OptionalInputs, output_names

# PERF: measured, see docs/decisions/batches.md. They also bound the memory of one call.
ROWS_PER_CALL = 256
UTTERANCES_PER_CALL = 32
FRAMES_PER_CALL = 8_192  # of all utterances, with padding; a longer utterance has its own call
LONGEST_TO_SHORTEST = 1.1  # greatest ratio of lengths in one call

Rows: TypeAlias = slice | NDArray[np.intp]
NO_DISTANCES: Array = np.empty(0, np.float32)


class Scores(NamedTuple):
    """The outputs of a network for N utterances."""

    probabilities: Array  # float32 (N, L), in the order of the labels; each row sums to 1
    distance: Array  # float32 (N,), of each input from the training distribution
    baseline_distance: Array = NO_DISTANCES  # float32 (N,); empty if no baseline is an input


class PredictBatch(Protocol):
    """Predicts from N >= 1 utterances, float32 (N, n_mfcc) or (N, T, n_mfcc).

    lengths: the number of frames of each utterance, 1 to T; by default T.
    prosody: float32 (N, P) or (N, T, 3).
    baseline: float32 (N, 2 n_mfcc + 7).
    """

    def __call__(
        self,
        mfccs: Array,
        lengths: Lengths | None = None,
        prosody: Array | None = None,
        baseline: Array | None = None,
    ) -> Scores:
        """The outputs of the network."""


def vector_batch_predictor(
    session: ort.InferenceSession, labels: int, optional: OptionalInputs = ()
) -> PredictBatch:
    """Predicts from float32 (N, n_mfcc) vectors, N >= 1; lengths are ignored."""
    outputs = output_names(optional)

    def predict(
        mfccs: Array,
        lengths: Lengths | None = None,  # noqa: ARG001
        prosody: Array | None = None,
        baseline: Array | None = None,
    ) -> Scores:
        given = {"prosody": prosody, "baseline": baseline}

        def run(rows: slice) -> list[Array]:
            part = mfccs[rows]
            feed = {"mfccs": part} | _feed(optional, given, rows, (len(part), 0))
            found: list[Array] = session.run(outputs, feed)
            return found

        if len(mfccs) <= ROWS_PER_CALL:
            return Scores(*run(slice(None)))
        scores = _empty_scores(len(mfccs), labels, outputs)
        for start in range(0, len(mfccs), ROWS_PER_CALL):
            rows = slice(start, start + ROWS_PER_CALL)
            _store(scores, rows, run(rows))
        return scores

    return predict


def frame_batch_predictor(
    session: ort.InferenceSession, labels: int, optional: OptionalInputs = ()
) -> PredictBatch:
    """Predicts from float32 (N, T, n_mfcc) frames.

    Frames after the length of an utterance do not affect its prediction.
    """
    outputs = output_names(optional)

    def predict(
        mfccs: Array,
        lengths: Lengths | None = None,
        prosody: Array | None = None,
        baseline: Array | None = None,
    ) -> Scores:
        if lengths is None:
            lengths = np.full(len(mfccs), mfccs.shape[1], np.int64)
        given = {"prosody": prosody, "baseline": baseline}
        scores = _empty_scores(len(mfccs), labels, outputs)
        for group in _group_by_length(lengths):
            longest = lengths[group].max()
            feed: Feed = {"frames": mfccs[group, :longest], "lengths": lengths[group]}
            feed |= _feed(optional, given, group, (len(group), longest))
            _store(scores, group, session.run(outputs, feed))
        return scores

    return predict


def _feed(
    optional: OptionalInputs,
    given: Mapping[str, Array | None],
    rows: Rows,
    shape: tuple[int, int],
) -> dict[str, Array]:
    """The optional inputs of some rows; `shape`: their number, and the frames of the longest."""
    feed = {}
    for member in optional:
        array = given[member.name]
        if array is None:
            feed[member.name] = member.zeros(*shape)
        else:
            feed[member.name] = array[rows, : shape[1]] if member.per_frame else array[rows]
    return feed


def _empty_scores(utterances: int, labels: int, outputs: Sequence[str]) -> Scores:
    shapes = [(utterances, labels), *[(utterances,)] * (len(outputs) - 1)]
    return Scores(*(np.empty(shape, np.float32) for shape in shapes))


def _store(scores: Scores, rows: Rows, found: Sequence[Array]) -> None:
    """Stores what a session returned for some rows."""
    for stored, values in zip(scores, found, strict=False):
        stored[rows] = values


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
