"""Writes inference responses of the Open Inference Protocol, in JSON or with binary tensors."""

from collections.abc import Sequence
from struct import pack
from typing import Any, NamedTuple

import msgspec
import numpy as np
import orjson

from server.codecs.open_inference.request import InferenceRequest, RequestedOutput
from server.codecs.open_inference.tensor_specs import version
from server.models.batch_predictors import Scores
from server.models.network import Network
from server.models.predictors import Array
from server.problems import messages

VALUES_PER_CALL = 8_192  # one call of the encoder holds the GIL
LEAST_WITH_EXPONENT = 1e16  # orjson writes 1e+16, and 123456.0 below
STAND_IN = b"\0"  # for the values of a list; JSON has no such byte

_encode = msgspec.json.Encoder().encode


class InferenceResponse(NamedTuple):
    """The body of a response."""

    content: bytes
    json_bytes: int | None  # the length of the JSON, if binary tensors follow it


class _Output(msgspec.Struct, omit_defaults=True):
    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, int] | None = None
    data: msgspec.Raw | None = None


class _Response(msgspec.Struct, omit_defaults=True):
    model_name: str
    model_version: str
    outputs: list[_Output]
    id: str | None = None
    parameters: dict[str, Any] | None = None


def encode_response(
    network: Network, request: InferenceRequest, scores: Scores
) -> InferenceResponse:
    """Writes the requested outputs, in the order of the request.

    If inputs are outside the training distribution, or far from their baselines, the parameters of
    the response say how many; if the client asks for it, also what `POST /prediction` says of them.
    """
    outputs: list[_Output] = []
    lists: list[list[bytes]] = []
    tensors: list[bytes | memoryview] = []
    for requested in request.outputs:
        output, pieces = _encode_output(network, requested, scores)
        outputs.append(output)
        if requested.binary:
            tensors += pieces
        else:
            output.data = msgspec.Raw(b"[%b]" % STAND_IN)
            lists.append(pieces)
    warning = _warning(network, scores)
    if warning and request.warning_details:
        warning |= _details(network, scores)
    response = _Response(network.name, version(network), outputs, request.id, warning)
    text = _with_lists(_encode(response), lists)
    if not tensors:
        return InferenceResponse(b"".join(text), None)
    return InferenceResponse(b"".join([*text, *tensors]), sum(map(len, text)))


def _with_lists(text: bytes, lists: Sequence[Sequence[bytes]]) -> list[bytes]:
    """The pieces of the text, with the values of the lists in place of their stand-ins."""
    start, *rest = text.split(STAND_IN)
    pieces = [start]
    for values, after in zip(lists, rest, strict=True):
        pieces += [b",".join(values), after]
    return pieces


def _warning(network: Network, scores: Scores) -> dict[str, Any] | None:
    limit, baseline_limit = network.metadata.distance_limit, network.metadata.baseline_limit
    outside = int(np.count_nonzero(scores.distance > limit))
    other_voices = int(np.count_nonzero(scores.baseline_distance > baseline_limit))
    warning: dict[str, Any] = {}
    if outside:
        warning = {"warning": messages.OUTSIDE_TRAINING}
        warning |= {"rows_outside": outside, "distance_limit": limit}
    if other_voices:
        warning = {"warning": messages.ANOTHER_VOICE} | warning
        warning |= {"rows_of_another_voice": other_voices, "baseline_limit": baseline_limit}
    return warning or None


def _details(network: Network, scores: Scores) -> dict[str, Any]:
    """What `POST /prediction` says in a warning; of several rows, that of the farthest."""
    farthest, limit = float(scores.distance.max()), network.metadata.distance_limit
    text = messages.OUTSIDE_TRAINING_DISTRIBUTION
    if farthest <= limit:
        farthest, limit = float(scores.baseline_distance.max()), network.metadata.baseline_limit
        text = messages.BASELINE_OF_ANOTHER_VOICE
    return {"warning_detail": text, "warning_distance": farthest, "warning_limit": limit}


def _encode_output(
    network: Network, requested: RequestedOutput, scores: Scores
) -> tuple[_Output, list[Any]]:
    """An output, and its values in pieces: bytes if the client requests them, otherwise JSON."""
    values: Array = getattr(scores, requested.name)
    if requested.classes:
        return _encode_classes(values, requested, network.metadata.labels)
    output = _Output(requested.name, "FP32", values.shape)
    if requested.binary:
        output.parameters = {"binary_data_size": values.nbytes}
        return output, [values.data]
    return output, [encode_numbers(piece) for piece in _pieces(values.ravel())]


def encode_numbers(values: Array) -> bytes:
    """The decimals that msgspec writes for the elements of `values`, without brackets."""
    text = orjson.dumps(values.astype(np.float64), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    # PERF: to look for the sign takes as long as to write the text.
    return text.replace(b"e+", b"e") if np.any(np.abs(values) >= LEAST_WITH_EXPONENT) else text


def _encode_classes(
    probabilities: Array, requested: RequestedOutput, labels: Sequence[str]
) -> tuple[_Output, list[Any]]:
    """The most probable labels of each row as `probability:index:label`, in descending order."""
    encode = _binary_texts if requested.binary else _json_texts
    pieces = [
        encode(_label_texts(piece, requested.classes, labels)) for piece in _pieces(probabilities)
    ]
    shape = (len(probabilities), requested.classes)
    output = _Output(requested.name, "BYTES", shape)
    if requested.binary:
        output.parameters = {"binary_data_size": sum(map(len, pieces))}
    return output, pieces


def _pieces(values: Array) -> list[Array]:
    """Views of an array, with `VALUES_PER_CALL` values each."""
    rows = max(1, VALUES_PER_CALL // (values.size // len(values)))
    return [values[start : start + rows] for start in range(0, len(values), rows)]


def _label_texts(probabilities: Array, classes: int, labels: Sequence[str]) -> list[str]:
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :classes]
    values = np.take_along_axis(probabilities, best, axis=1)
    return [
        f"{value:f}:{index}:{labels[index]}"
        for value, index in zip(values.ravel().tolist(), best.ravel().tolist(), strict=True)
    ]


def _json_texts(texts: list[str]) -> bytes:
    return _encode(texts)[1:-1]


def _binary_texts(texts: list[str]) -> bytes:
    return b"".join([pack("<I", len(text.encode())) + text.encode() for text in texts])
