"""One network: an ONNX file that was verified against its metadata and the feature contract."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import onnxruntime as ort
from msgspec import Meta

from server.models.contract import FeatureContract
from server.models.files import EXTRACTOR_NAME, RESERVED, ModelFileError, read_file
from server.models.onnx import OnnxModel, decode_metadata, open_model
from server.models.predictors import (
    OUTPUTS,
    Predict,
    PredictBatch,
    frame_batch_predictor,
    frame_predictor,
    vector_batch_predictor,
    vector_predictor,
)

NETWORK_FORMAT = "speech-emotion-network/1"
PROBE_FRAMES = 10


class Metrics(msgspec.Struct, rename="camel"):
    """Measured quality; the speakers of the test folds are not in the training data."""

    protocol: str
    speaker_independent_uar: Annotated[float, Meta(ge=0, le=1)]


class NetworkMetadata(msgspec.Struct):
    """The metadata of a network file; each value is a JSON text in `metadata_props`."""

    input: Literal["vector", "frames"]
    labels: Annotated[tuple[str, ...], Meta(min_length=2)]
    recipe: dict[str, Any]
    distance_limit: Annotated[float, Meta(gt=0)]
    metrics: Metrics
    corpus: dict[str, Any]
    training: dict[str, Any]
    intended_use: dict[str, Any]


@dataclass(frozen=True)
class Network:
    """A verified network.

    `predict` takes one utterance: float32 (n_mfcc,) for a vector network, float32 (T, n_mfcc) for
    either kind. It is not thread-safe; `predict_batch` is.
    """

    name: str
    metadata: NetworkMetadata
    predict: Predict
    predict_batch: PredictBatch
    sha256: str  # of the file

    @property
    def takes_vectors(self) -> bool:
        """Whether the input is one vector; otherwise it is the frames."""
        return self.metadata.input == "vector"

    @property
    def optional_members(self) -> tuple[str, ...]:
        """What the network can use beside the MFCCs: `prosody`, `baseline`, both or none."""
        return ()


def load_network(path: Path, contract: FeatureContract | None, maximum_file_bytes: int) -> Network:
    """Loads a network and verifies it against its metadata and the contract, if there is one.

    Raises:
        ModelFileError: gives every fault and the expected value.
    """
    if RESERVED.fullmatch(path.stem):
        raise ModelFileError("has a name that is reserved for extractors and reference clips")
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
        return vector_predictor(session, n_mfcc, labels), vector_batch_predictor(session, labels)
    return frame_predictor(session), frame_batch_predictor(session, labels)


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
    # The first dimension, the batch, is left out; None stands for any other dynamic dimension.
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
    """Checks that the network returns probabilities for extreme inputs."""
    shape = (n_mfcc,) if network.takes_vectors else (PROBE_FRAMES, n_mfcc)
    for value in (0.0, -500.0, np.finfo(np.float32).max):
        try:
            probabilities, distance = network.predict(np.full(shape, value, np.float32))
        # NOTE: ONNX Runtime's exceptions share no base class but Exception.
        except Exception as error:  # noqa: BLE001
            reason = str(error).replace("std::bad_alloc", "it needs too much memory")
            raise ModelFileError(f"fails on an input of {value}: {reason}") from None
        if not np.isfinite([*probabilities, distance]).all() or abs(sum(probabilities) - 1) > 1e-4:
            raise ModelFileError(
                f"gives {probabilities}, distance {distance} for an input of {value}; "
                "expected probabilities that sum to 1 and a finite distance"
            )
