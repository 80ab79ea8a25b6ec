"""Scores to the bodies of inference answers: JSON, or JSON with the bytes of tensors behind it."""

from collections.abc import Sequence
from struct import pack
from typing import Any, NamedTuple

import msgspec
import numpy as np

from server.codecs.inference_request import InferenceRequest, WantedOutput
from server.codecs.tensor_specs import version
from server.models.predictors import Array, Scores
from server.models.registry import Network

WARNING = "outside-training-distribution"

_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """The body of an answer."""

    content: bytes
    json_bytes: int | None  # the length of the JSON, where bytes of tensors follow; None: all


class _Output(msgspec.Struct, omit_defaults=True):
    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, int] | None = None
    data: list[Any] | None = None


class _Answer(msgspec.Struct, omit_defaults=True):
    model_name: str
    model_version: str
    outputs: list[_Output]
    id: str | None = None
    parameters: dict[str, Any] | None = None


def encode_answer(network: Network, request: InferenceRequest, scores: Scores) -> Answer:
    """Writes the outputs that the request wants, in its order.

    Where inputs lie farther from the training distribution than the utterances of unseen speakers,
    the answer's parameters say how many, as `/prediction` warns.
    """
    outputs: list[_Output] = []
    parts: list[memoryview | bytes] = []
    for wanted in request.outputs:
        output, content = _encode_output(network, wanted, scores)
        outputs.append(output)
        if content is not None:
            parts.append(content)
    answer = _Answer(network.name, version(network), outputs, request.id, _warning(network, scores))
    text = _encode(answer)
    if not parts:
        return Answer(text, None)
    return Answer(b"".join([text, *parts]), len(text))


def _warning(network: Network, scores: Scores) -> dict[str, Any] | None:
    limit = network.metadata.distance_limit
    outside = int(np.count_nonzero(scores.distance > limit))
    if not outside:
        return None
    return {"warning": WARNING, "rows_outside": outside, "distance_limit": limit}


def _encode_output(
    network: Network, wanted: WantedOutput, scores: Scores
) -> tuple[_Output, memoryview | bytes | None]:
    """An output, and its bytes if it is to be binary."""
    values: Array = getattr(scores, wanted.name)
    if wanted.classes:
        return _encode_classes(values, wanted, network.metadata.labels)
    output = _Output(wanted.name, "FP32", values.shape)
    if wanted.binary:
        output.parameters = {"binary_data_size": values.nbytes}
        return output, values.data
    output.data = values.ravel().tolist()
    return output, None


def _encode_classes(
    probabilities: Array, wanted: WantedOutput, labels: Sequence[str]
) -> tuple[_Output, bytes | None]:
    """The likeliest labels of each row as `value:index:label`, the likeliest first."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, : wanted.classes]
    values = np.take_along_axis(probabilities, best, axis=1)
    texts = [
        f"{value:f}:{index}:{labels[index]}"
        for value, index in zip(values.ravel().tolist(), best.ravel().tolist(), strict=True)
    ]
    output = _Output(wanted.name, "BYTES", best.shape)
    if not wanted.binary:
        output.data = texts
        return output, None
    content = b"".join([pack("<I", len(text.encode())) + text.encode() for text in texts])
    output.parameters = {"binary_data_size": len(content)}
    return output, content
