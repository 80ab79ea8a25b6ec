"""Calls of an ONNX Runtime session: one utterance or a batch, vectors or frames."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from server.models.contract.prosody_statistics import ProsodyPooling

OUTPUTS = ("probabilities", "distance")
BASELINE_OUTPUTS = (*OUTPUTS, "baseline_distance")
# PERF: measured, see docs/decisions/batches.md. They also bound the memory of one call.
ROWS_PER_CALL = 256
UTTERANCES_PER_CALL = 32
FRAMES_PER_CALL = 8_192  # of all utterances, with padding; a longer utterance has its own call
LONGEST_TO_SHORTEST = 1.1  # greatest ratio of lengths in one call

Array = NDArray[np.float32]
Lengths = NDArray[np.int64]
Feed = dict[str, NDArray[np.float32] | Lengths]
NO_DISTANCES: Array = np.empty(0, np.float32)


class Prediction(NamedTuple):
    """The outputs of a network for one utterance."""

    probabilities: list[float]  # in the order of the labels; sum to 1
    distance: float  # of the input from the training distribution; 0 is its centre
    baseline_distance: float = 0.0  # of the input from its baseline; 0: none was given


class Scores(NamedTuple):
    """The outputs of a network for N utterances."""

    probabilities: Array  # float32 (N, L), in the order of the labels; each row sums to 1
    distance: Array  # float32 (N,), of each input from the training distribution
    baseline_distance: Array = NO_DISTANCES  # float32 (N,); empty if no baseline is an input


class OptionalInput(NamedTuple):
    """An input of a network that may be missing in a request; zeros stand for a missing one.

    width: of a row.
    per_frame: whether each frame has a row; otherwise each utterance has one.
    """

    name: str
    width: int
    per_frame: bool = False

    def zeros(self, utterances: int, frames: int) -> Array:
        """The tensor of utterances without this input."""
        shape = (utterances, frames, self.width) if self.per_frame else (utterances, self.width)
        return np.zeros(shape, np.float32)


OptionalInputs = Sequence[OptionalInput]


class Predict(Protocol):
    """Predicts from one utterance.

    mfccs: float32 (n_mfcc,) or (T, n_mfcc).
    prosody: float32 (P,) or (T, 3); a network that does not take it ignores it.
    baseline: float32 (2 n_mfcc + 7,); a network that does not take it ignores it.
    """

    def __call__(
        self, mfccs: Array, prosody: Array | None = None, baseline: Array | None = None
    ) -> Prediction:
        """The outputs of the network."""


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


def output_names(optional: OptionalInputs) -> tuple[str, ...]:
    """The outputs of a network with those optional inputs."""
    return BASELINE_OUTPUTS if any(i.name == "baseline" for i in optional) else OUTPUTS


def vector_predictor(session: ort.InferenceSession, n_mfcc: int, labels: int) -> Predict:
    """Predicts from one vector, or from the mean of frames. Not thread-safe.

    PERF: input and outputs are bound to the session once, which saves a third of each call.
    """
    vector = np.zeros((1, n_mfcc), np.float32)
    probabilities = np.zeros((1, labels), np.float32)
    distance = np.zeros(1, np.float32)
    binding = _bind(
        session, {"mfccs": vector}, {"probabilities": probabilities, "distance": distance}
    )
    run = session.run_with_iobinding

    def predict(
        mfccs: Array,
        prosody: Array | None = None,  # noqa: ARG001
        baseline: Array | None = None,  # noqa: ARG001
    ) -> Prediction:
        vector[0] = mfccs if mfccs.ndim == 1 else pool(mfccs)
        run(binding)
        return Prediction(probabilities[0].tolist(), distance.item())

    return predict


def optional_vector_predictor(
    session: ort.InferenceSession,
    n_mfcc: int,
    labels: int,
    optional: OptionalInputs,
    pool_prosody: ProsodyPooling,
) -> Predict:
    """The same as `vector_predictor`, with optional inputs. Not thread-safe."""
    vector = np.zeros((1, n_mfcc), np.float32)
    rows = {name: np.zeros((1, width), np.float32) for name, width, _ in optional}
    statistics, moments = rows.get("prosody"), rows.get("baseline")
    probabilities = np.zeros((1, labels), np.float32)
    distance, baseline_distance = np.zeros(1, np.float32), np.zeros(1, np.float32)
    outputs = {"probabilities": probabilities, "distance": distance}
    if moments is not None:
        outputs["baseline_distance"] = baseline_distance
    binding = _bind(session, {"mfccs": vector} | rows, outputs)
    run = session.run_with_iobinding

    def predict(
        mfccs: Array, prosody: Array | None = None, baseline: Array | None = None
    ) -> Prediction:
        vector[0] = mfccs if mfccs.ndim == 1 else pool(mfccs)
        if statistics is not None:
            given = pool_prosody(prosody) if prosody is not None and prosody.ndim == 2 else prosody
            statistics[0] = 0.0 if given is None else given
        if moments is not None:
            moments[0] = 0.0 if baseline is None else baseline
        run(binding)
        return Prediction(probabilities[0].tolist(), distance.item(), baseline_distance.item())

    return predict


def _bind(
    session: ort.InferenceSession, inputs: Mapping[str, Array], outputs: Mapping[str, Array]
) -> ort.IOBinding:
    """Binds arrays, which must stay alive, to a session."""
    binding = session.io_binding()
    for bind, arrays in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
        for name, array in arrays.items():
            bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    return binding


def frame_predictor(session: ort.InferenceSession, optional: OptionalInputs = ()) -> Predict:
    """Predicts from the frames of one utterance, float32 (T, n_mfcc)."""
    outputs = output_names(optional)

    def predict(
        mfccs: Array, prosody: Array | None = None, baseline: Array | None = None
    ) -> Prediction:
        frames = len(mfccs)
        feed: Feed = {"frames": mfccs[np.newaxis], "lengths": np.array([frames], np.int64)}
        given = {"prosody": prosody, "baseline": baseline}
        for member in optional:
            array = given[member.name]
            feed[member.name] = member.zeros(1, frames) if array is None else array[np.newaxis]
        probabilities, *distances = session.run(outputs, feed)
        return Prediction(probabilities[0].tolist(), *(found.item() for found in distances))

    return predict


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
            feed = {"mfccs": part}
            for member in optional:
                array = given[member.name]
                feed[member.name] = member.zeros(len(part), 0) if array is None else array[rows]
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
            for member in optional:
                feed[member.name] = _group(member, given[member.name], group, longest)
            _store(scores, group, session.run(outputs, feed))
        return scores

    return predict


def _group(
    member: OptionalInput, given: Array | None, group: NDArray[np.intp], longest: int
) -> Array:
    """An optional input of a group of utterances, of which the longest has `longest` frames."""
    if given is None:
        return member.zeros(len(group), longest)
    return given[group, :longest] if member.per_frame else given[group]


def pool(frames: Array) -> Array:
    """The pooling of the contract: the mean of float32 (T, n_mfcc) frames, float32 (n_mfcc,)."""
    # A float32 sum of large values would overflow.
    mean: Array = frames.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def _empty_scores(utterances: int, labels: int, outputs: Sequence[str]) -> Scores:
    shapes = [(utterances, labels), *[(utterances,)] * (len(outputs) - 1)]
    return Scores(*(np.empty(shape, np.float32) for shape in shapes))


def _store(scores: Scores, rows: slice | NDArray[np.intp], found: Sequence[Array]) -> None:
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
