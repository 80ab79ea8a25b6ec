"""One network: an ONNX file that was verified against its metadata and the feature contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from server.models.batch_predictors import (
    PredictBatch,
    frame_batch_predictor,
    vector_batch_predictor,
)
from server.models.contract.feature_contract import FeatureContract
from server.models.contract.prosody_statistics import (
    PROSODY_COLUMNS,
    ProsodyPooling,
    prosody_pooling,
)
from server.models.description.quality import Metrics
from server.models.files import (
    EXTRACTOR_NAME,
    RESERVED,
    ModelFileError,
    PublishedFile,
    read_file,
)
from server.models.network_probe import check_predictions
from server.models.onnx import OnnxModel, decode_metadata, open_model
from server.models.predictors import (
    OptionalInput,
    OptionalInputs,
    Predict,
    frame_predictor,
    optional_vector_predictor,
    output_names,
    vector_predictor,
)

NETWORK_FORMAT = "speech-emotion-network/1"
OPTIONAL_INPUTS_FORMAT = "speech-emotion-network/2"  # the same with one or both optional inputs
CORPORA_FORMAT = "speech-emotion-network/3"  # the same with any optional inputs or none
NO_PROSODY = "takes prosody, which these models do not define: there is no valid extractor-*.onnx"


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
    baseline_limit: Annotated[float, Meta(gt=0)] = inf  # only in files with the input `baseline`


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
    file: PublishedFile
    optional_inputs: tuple[OptionalInput, ...] = ()
    pool_prosody: ProsodyPooling | None = None  # of a vector network with optional inputs

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file as hexadecimal digits."""
        return self.file.sha256

    @property
    def takes_vectors(self) -> bool:
        """Whether the input is one vector; otherwise it is the frames."""
        return self.metadata.input == "vector"

    @property
    def optional_members(self) -> tuple[str, ...]:
        """What the network can use beside the MFCCs: `prosody`, `baseline`, both or none."""
        return tuple(member.name for member in self.optional_inputs)


def load_network(path: Path, contract: FeatureContract | None, maximum_file_bytes: int) -> Network:
    """Loads a network and verifies it against its metadata and the contract, if there is one.

    Raises:
        ModelFileError: gives every fault and the expected value.
    """
    if RESERVED.fullmatch(path.stem):
        raise ModelFileError("has a name that is reserved for extractors and reference clips")
    file = read_file(path, maximum_file_bytes)
    model = open_model(file.content, NETWORK_FORMAT, OPTIONAL_INPUTS_FORMAT, CORPORA_FORMAT)
    metadata = _read_metadata(model)
    n_mfcc: int = contract.n_mfcc if contract else metadata.recipe.get("nMfcc", 0)
    faults = list(_label_faults(metadata.labels))
    if contract and metadata.recipe != contract.recipe:
        faults.append(f"was made for another feature recipe than {EXTRACTOR_NAME}")
    statistics = contract.statistics if contract else []
    optional = _optional_inputs(model, metadata, n_mfcc, len(statistics))
    if contract and not statistics and "prosody" in _input_names(model):
        faults.append(NO_PROSODY)
    else:
        faults += _input_faults(model, metadata, n_mfcc, optional)
    faults += _output_faults(model, metadata, optional)
    if faults:
        raise ModelFileError(*faults)
    predict, batch, pooling = _predictors(model, metadata, n_mfcc, optional, statistics)
    network = Network(path.stem, metadata, predict, batch, file, optional, pooling)
    check_predictions(network.predict, optional, metadata.input, n_mfcc)
    return network


def _input_names(model: OnnxModel) -> list[str]:
    return [i.name for i in model.session.get_inputs()]


def _optional_inputs(
    model: OnnxModel, metadata: NetworkMetadata, n_mfcc: int, statistics: int
) -> tuple[OptionalInput, ...]:
    """The optional inputs that a file has."""
    if model.metadata["format"] == NETWORK_FORMAT:
        return ()
    by_frame = metadata.input == "frames"
    known = (
        OptionalInput("prosody", PROSODY_COLUMNS if by_frame else statistics, per_frame=by_frame),
        OptionalInput("baseline", 2 * (n_mfcc + PROSODY_COLUMNS) + 1),
    )
    names = _input_names(model)
    return tuple(member for member in known if member.name in names)


def _predictors(
    model: OnnxModel,
    metadata: NetworkMetadata,
    n_mfcc: int,
    optional: OptionalInputs,
    statistics: Sequence[str],
) -> tuple[Predict, PredictBatch, ProsodyPooling | None]:
    session, labels = model.session, len(metadata.labels)
    if metadata.input == "frames":
        return (
            frame_predictor(session, optional),
            frame_batch_predictor(session, labels, optional),
            None,
        )
    batch = vector_batch_predictor(session, labels, optional)
    if not optional:
        return vector_predictor(session, n_mfcc, labels), batch, None
    try:
        pooling = prosody_pooling(statistics)
    except ValueError as error:
        raise ModelFileError(str(error)) from None
    predict = optional_vector_predictor(session, n_mfcc, labels, optional, pooling)
    return predict, batch, pooling


def _read_metadata(model: OnnxModel) -> NetworkMetadata:
    values: dict[str, Any] = {}
    faults = list(model.damage)
    for field in msgspec.structs.fields(NetworkMetadata):
        if field.name == "baseline_limit" and "baseline" not in _input_names(model):
            continue
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


def _input_faults(
    model: OnnxModel, metadata: NetworkMetadata, n_mfcc: Any, optional: OptionalInputs
) -> Iterator[str]:
    by_input: dict[str, list[Any]] = {
        "vector": [("mfccs", "tensor(float)", (n_mfcc,))],
        "frames": [("frames", "tensor(float)", (None, n_mfcc)), ("lengths", "tensor(int64)", ())],
    }
    expected = by_input[metadata.input] + [
        (name, "tensor(float)", (None, width) if per_frame else (width,))
        for name, width, per_frame in optional
    ]
    # The first dimension, the batch, is left out; None stands for any other dynamic dimension.
    found = [
        (i.name, i.type, tuple(d if isinstance(d, int) else None for d in i.shape[1:]))
        for i in model.session.get_inputs()
    ]
    if found != expected:
        yield f"inputs are {found}; expected {expected}"
    if model.metadata["format"] == OPTIONAL_INPUTS_FORMAT and not optional:
        yield "has neither prosody nor baseline as input; expected one of them in its format"


def _output_faults(
    model: OnnxModel, metadata: NetworkMetadata, optional: OptionalInputs
) -> Iterator[str]:
    found = {o.name: o for o in model.session.get_outputs()}
    missing = [name for name in output_names(optional) if name not in found]
    for name in missing:
        yield f"outputs are {sorted(found)}; {name!r} is missing"
    if "probabilities" not in found:
        return
    width = (found["probabilities"].shape or [None])[-1]
    if width != len(metadata.labels):
        yield f"has {width} probabilities for {len(metadata.labels)} labels"
