"""Writes inference responses of the Open Inference Protocol, in JSON or with binary tensors."""

from collections.abc import Sequence
from struct import pack
from typing import Any, NamedTuple

import msgspec
import numpy as np

from server.codecs.inference_request import InferenceRequest, RequestedOutput
from server.codecs.tensor_specs import version
from server.models.network import Network
from server.models.predictors import Array, Scores
from server.problems import messages

PIECE_NUMBERS = 4_096

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
    data: list[str] | msgspec.Raw | None = None


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

    If inputs are outside the training distribution, the parameters of the response say how many.
    """
    outputs: list[_Output] = []
    parts: list[memoryview | bytes] = []
    for requested in request.outputs:
        output, content = _encode_output(network, requested, scores)
        outputs.append(output)
        if content is not None:
            parts.append(content)
    response = _Response(
        network.name, version(network), outputs, request.id, _warning(network, scores)
    )
    text = _encode(response)
    if not parts:
        return InferenceResponse(text, None)
    return InferenceResponse(b"".join([text, *parts]), len(text))


def _warning(network: Network, scores: Scores) -> dict[str, Any] | None:
    limit = network.metadata.distance_limit
    outside = int(np.count_nonzero(scores.distance > limit))
    if not outside:
        return None
    return {"warning": messages.OUTSIDE_TRAINING, "rows_outside": outside, "distance_limit": limit}


def _encode_output(
    network: Network, requested: RequestedOutput, scores: Scores
) -> tuple[_Output, memoryview | bytes | None]:
    """An output, and its bytes if the client requests them."""
    values: Array = getattr(scores, requested.name)
    if requested.classes:
        return _encode_classes(values, requested, network.metadata.labels)
    output = _Output(requested.name, "FP32", values.shape)
    if requested.binary:
        output.parameters = {"binary_data_size": values.nbytes}
        return output, values.data
    output.data = _encode_numbers(values)
    return output, None


def _encode_numbers(values: Array) -> msgspec.Raw:
    """The numbers as a flat JSON list. Encoded in pieces: Python's floats take more memory."""
    flat = values.ravel()
    text = bytearray(b"[")
    for start in range(0, flat.size, PIECE_NUMBERS):
        piece = _encode(flat[start : start + PIECE_NUMBERS].tolist())
        text += memoryview(piece)[1:-1]
        text += b","
    text[-1:] = b"]"
    return msgspec.Raw(text)


def _encode_classes(
    probabilities: Array, requested: RequestedOutput, labels: Sequence[str]
) -> tuple[_Output, bytes | None]:
    """The most probable labels of each row as `probability:index:label`, in descending order."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, : requested.classes]
    values = np.take_along_axis(probabilities, best, axis=1)
    texts = [
        f"{value:f}:{index}:{labels[index]}"
        for value, index in zip(values.ravel().tolist(), best.ravel().tolist(), strict=True)
    ]
    output = _Output(requested.name, "BYTES", best.shape)
    if not requested.binary:
        output.data = texts
        return output, None
    content = b"".join([pack("<I", len(text.encode())) + text.encode() for text in texts])
    output.parameters = {"binary_data_size": len(content)}
    return output, content
