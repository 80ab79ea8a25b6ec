"""The networks that are served: each one a verified ONNX file of the models' directory."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import numpy as np
import onnxruntime as ort
from msgspec import Meta

from server.models.contract import FeatureContract, read_contract
from server.models.files import (
    DEFAULT_MAXIMUM_FILE_BYTES,
    EXTRACTOR_NAME,
    ModelFileError,
    read_file,
)
from server.models.onnx import OnnxModel, decode_metadata, open_model
from server.models.predictors import OUTPUTS, Array, PredictBatch, frame_batches, vector_batches

NETWORK_FORMAT = "speech-emotion-network/1"
PROBE_FRAMES = 10


class Prediction(NamedTuple):
    """What a network says of one utterance."""

    probabilities: list[float]  # in the order of the labels; sum to 1
    distance: float  # of the input from the training distribution; 0 is its centre


class Metrics(msgspec.Struct, rename="camel"):
    """Measured quality; speakers of the test folds were never trained on."""

    protocol: str
    speaker_independent_uar: Annotated[float, Meta(ge=0, le=1)]


class NetworkMetadata(msgspec.Struct):
    """What a network file must say of itself; every value is a JSON text in `metadata_props`."""

    input: Literal["vector", "frames"]
    labels: Annotated[tuple[str, ...], Meta(min_length=2)]
    recipe: dict[str, Any]
    distance_limit: Annotated[float, Meta(gt=0)]
    metrics: Metrics
    corpus: dict[str, Any]
    training: dict[str, Any]
    intended_use: dict[str, Any]


Predict = Callable[[Array], Prediction]


@dataclass(frozen=True)
class Network:
    """One verified ONNX model.

    `predict` takes one utterance: float32 (n_mfcc,) for a vector network, float32 (T, n_mfcc) for
    either kind. It must not be called from two threads at once; `predict_batch` may.
    """

    name: str
    metadata: NetworkMetadata
    predict: Predict
    predict_batch: PredictBatch
    sha256: str  # of the file

    @property
    def takes_vectors(self) -> bool:
        """Whether the input is one vector; otherwise it is the frames themselves."""
        return self.metadata.input == "vector"


@dataclass(frozen=True)
class NetworkCatalog:
    """All networks of a directory, and what was wrong with those that are not served."""

    contract: FeatureContract | None
    networks: Mapping[str, Network]  # by name in lower case
    faults: Mapping[str, str]  # file name -> reason

    def find(self, name: str) -> Network | None:
        """The network of that name, matched without case."""
        return self.networks.get(name.lower())

    def fault(self, name: str) -> str | None:
        """Why the network of that name is not served, if there is a file for it."""
        reasons = {Path(file).stem.lower(): reason for file, reason in self.faults.items()}
        return reasons.get(name.lower())

    @property
    def names(self) -> list[str]:
        """Names of the networks served, in alphabetical order."""
        return sorted(network.name for network in self.networks.values())

    @property
    def vector_names(self) -> list[str]:
        """Names of the networks that take one vector."""
        return sorted(n.name for n in self.networks.values() if n.takes_vectors)


def vector_predictor(session: ort.InferenceSession, n_mfcc: int, labels: int) -> Predict:
    """Predicts from one vector, or from the mean of frames.

    PERF: input and outputs are bound to the session once, which takes a third off each call.
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
    """Predicts from the frames themselves."""

    def predict(mfccs: Array) -> Prediction:
        feed = {"frames": mfccs[np.newaxis], "lengths": np.array([len(mfccs)], np.int64)}
        probabilities, distance = session.run(OUTPUTS, feed)
        return Prediction(probabilities[0].tolist(), distance.item())

    return predict


def pool(frames: Array) -> Array:
    """The contract's pooling: float32 (T, n_mfcc) frames to their mean, float32 (n_mfcc,)."""
    # In float64, since a float32 sum of large values would overflow.
    mean: Array = frames.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def load_catalog(
    directory: Path, maximum_file_bytes: int = DEFAULT_MAXIMUM_FILE_BYTES
) -> NetworkCatalog:
    """Loads and verifies every `*.onnx` file of the directory; faults are kept, not raised."""
    networks: dict[str, Network] = {}
    faults: dict[str, str] = {}
    contract = None
    try:
        contract = read_contract(directory, maximum_file_bytes)
    except ModelFileError as error:
        faults[EXTRACTOR_NAME] = str(error)
    for path in sorted(directory.glob("*.onnx")):
        if path.name == EXTRACTOR_NAME:
            continue
        try:
            network = load_network(path, contract, maximum_file_bytes)
        except ModelFileError as error:
            faults[path.name] = str(error)
            continue
        if network.name.lower() in networks:
            faults[path.name] = "differs from another file's name in case only"
            continue
        networks[network.name.lower()] = network
    if not networks and not faults:
        faults["*.onnx"] = "there is no network in the models' directory"
    return NetworkCatalog(contract, networks if contract else {}, faults)


def load_network(
    path: Path,
    contract: FeatureContract | None,
    maximum_file_bytes: int = DEFAULT_MAXIMUM_FILE_BYTES,
) -> Network:
    """Loads one network and verifies it against its own metadata and the contract.

    Where there is no contract it is verified against its own metadata alone.

    Raises:
        ModelFileError: says everything that is wrong and what was expected.
    """
    file = read_file(path, maximum_file_bytes)
    model = open_model(file.content, NETWORK_FORMAT)
    metadata = _read_metadata(model)
    n_mfcc: int = contract.n_mfcc if contract else metadata.recipe.get("nMfcc", 0)
    faults = list(_label_faults(metadata.labels))
    if contract and metadata.recipe != contract.recipe:
        faults.append(f"was made for another feature recipe than {EXTRACTOR_NAME}")
    faults += [*_input_faults(model, metadata, n_mfcc), *_output_faults(model, metadata)]
    if faults:
        raise ModelFileError(*faults)
    predictors = _predictors(model.session, metadata, n_mfcc)
    network = Network(path.stem, metadata, *predictors, file.sha256)
    _probe(network, n_mfcc)
    return network


def _predictors(
    session: ort.InferenceSession, metadata: NetworkMetadata, n_mfcc: int
) -> tuple[Predict, PredictBatch]:
    labels = len(metadata.labels)
    if metadata.input == "vector":
        return vector_predictor(session, n_mfcc, labels), vector_batches(session, labels)
    return frame_predictor(session), frame_batches(session, labels)


def _read_metadata(model: OnnxModel) -> NetworkMetadata:
    values: dict[str, Any] = {}
    faults = list(model.damage)
    for field in msgspec.structs.fields(NetworkMetadata):
        try:
            values[field.name] = decode_metadata(model.metadata, field.name, field.type)
        except ModelFileError as error:
            faults.append(str(error))
    if faults:
        raise ModelFileError(*faults)
    return NetworkMetadata(**values)


def _label_faults(labels: tuple[str, ...]) -> Iterator[str]:
    if list(labels) != sorted(set(labels)):
        yield f"labels are {list(labels)}; expected each once, alphabetically"


def _input_faults(model: OnnxModel, metadata: NetworkMetadata, n_mfcc: Any) -> Iterator[str]:
    expected = {
        "vector": [("mfccs", "tensor(float)", (n_mfcc,))],
        "frames": [("frames", "tensor(float)", (None, n_mfcc)), ("lengths", "tensor(int64)", ())],
    }[metadata.input]
    # The first dimension is the batch; None stands for any other free one.
    found = [
        (i.name, i.type, tuple(d if isinstance(d, int) else None for d in i.shape[1:]))
        for i in model.session.get_inputs()
    ]
    if found != expected:
        yield f"inputs are {found}; expected {expected}"


def _output_faults(model: OnnxModel, metadata: NetworkMetadata) -> Iterator[str]:
    found = {o.name: o for o in model.session.get_outputs()}
    missing = [name for name in OUTPUTS if name not in found]
    for name in missing:
        yield f"outputs are {sorted(found)}; {name!r} is missing"
    if "probabilities" not in found:
        return
    width = (found["probabilities"].shape or [None])[-1]
    if width != len(metadata.labels):
        yield f"has {width} probabilities for {len(metadata.labels)} labels"


def _probe(network: Network, n_mfcc: int) -> None:
    """Runs the network on extreme inputs, which must still give probabilities."""
    shape = (n_mfcc,) if network.takes_vectors else (PROBE_FRAMES, n_mfcc)
    for value in (0.0, -500.0, np.finfo(np.float32).max):
        try:
            probabilities, distance = network.predict(np.full(shape, value, np.float32))
        # NOTE: ONNX Runtime's exceptions share no base class but Exception.
        except Exception as error:  # noqa: BLE001
            raise ModelFileError(f"fails on an input of {value}: {error}") from None
        if not np.isfinite([*probabilities, distance]).all() or abs(sum(probabilities) - 1) > 1e-4:
            raise ModelFileError(
                f"gives {probabilities}, distance {distance} for an input of {value}; "
                "expected probabilities that sum to 1 and a finite distance"
            )
