"""Calls of an ONNX Runtime session for one utterance: a vector or frames."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from server.models.contract.prosody_statistics import ProsodyPooling

OUTPUTS = ("probabilities", "distance")
BASELINE_OUTPUTS = (*OUTPUTS, "baseline_distance")

Array = NDArray[np.float32]
Lengths = NDArray[np.int64]
Feed = dict[str, NDArray[np.float32] | Lengths]


class Prediction(NamedTuple):
    """The outputs of a network for one utterance."""

    probabilities: list[float]  # in the order of the labels; sum to 1
    distance: float  # of the input from the training distribution; 0 is its centre
    baseline_distance: float = 0.0  # of the input from its baseline; 0: none was given


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
    rows = {member.name: member.zeros(1, 1) for member in optional}
    statistics, moments = rows.get("prosody"), rows.get("baseline")
    probabilities = np.zeros((1, labels), np.float32)
    distance, baseline_distance = np.zeros(1, np.float32), np.zeros(1, np.float32)
    outputs = dict(zip(BASELINE_OUTPUTS, (probabilities, distance, baseline_distance), strict=True))
    bound = {name: outputs[name] for name in output_names(optional)}
    binding = _bind(session, {"mfccs": vector} | rows, bound)

    def predict(
        mfccs: Array, prosody: Array | None = None, baseline: Array | None = None
    ) -> Prediction:
        vector[0] = mfccs if mfccs.ndim == 1 else pool(mfccs)
        if statistics is not None:
            given = pool_prosody(prosody) if prosody is not None and prosody.ndim == 2 else prosody
            statistics[0] = 0.0 if given is None else given
        if moments is not None:
            moments[0] = 0.0 if baseline is None else baseline
        session.run_with_iobinding(binding)
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


def pool(frames: Array) -> Array:
    """The pooling of the contract: the mean of float32 (T, n_mfcc) frames, float32 (n_mfcc,)."""
    # A float32 sum of large values would overflow.
    mean: Array = frames.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
