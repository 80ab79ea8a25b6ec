"""Frames as binary tensors of the Open Inference Protocol, and the protocol's answer."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_emotion.contract import NetworkDescription
from speech_emotion.prediction.members import Members
from speech_emotion.profiles.baseline import Baseline

CONTENT_TYPE = "application/octet-stream"
JSON_BYTES = "Inference-Header-Content-Length"  # the length of the JSON before the tensors
# The members of a warning, as the parameters of an answer name them.
WARNING = {
    "code": "warning",
    "detail": "warning_detail",
    "distance": "warning_distance",
    "limit": "warning_limit",
}

Tensor = NDArray[np.float32]


def binary_body(members: Members, network: NetworkDescription) -> tuple[bytes, dict[str, str]]:
    """The body of an inference request for one clip, and its headers."""
    tensors = dict(_tensors(members))
    document = {
        "inputs": [_declared(name, tensor) for name, tensor in tensors.items()],
        "outputs": [_probabilities(network)],
        "parameters": {"warning_details": True},
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    body = b"".join([text, *(tensor.tobytes() for tensor in tensors.values())])
    return body, {"Content-Type": CONTENT_TYPE, JSON_BYTES: str(len(text))}


def prediction_document(content: bytes, network: NetworkDescription) -> dict[str, Any]:
    """The answer in the form of that of `POST /prediction`.

    Args:
        content: the body of the response.
        network: that was asked.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, RecursionError: it is no such answer.
    """
    answer = json.loads(content)
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    found = dict(map(_probability, outputs["probabilities"]))
    results = [
        {"emotionType": label, "prediction": found[label]}
        for label in sorted(found, key=network.emotions.index)
    ]
    parameters = answer.get("parameters", {})
    if "warning" not in parameters:
        return {"results": results}
    warning = {member: parameters[name] for member, name in WARNING.items()}
    return {"results": results, "warning": warning}


def _tensors(members: Members) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a batch of one clip, by name."""
    yield "frames", members.mfccs[np.newaxis].astype("<f4")
    if members.prosody is not None:
        yield "prosody", members.prosody[np.newaxis].astype("<f4")
    if members.baseline is not None:
        yield "baseline", baseline_row(members.baseline)[np.newaxis].astype("<f4")


def baseline_row(baseline: Baseline) -> NDArray[np.float64]:
    """The means of MFCCs and prosody, then their spreads, then the number of clips: (N,)."""
    mfccs, prosody = baseline.mfccs, baseline.prosody
    return np.array([*mfccs.mean, *prosody.mean, *mfccs.spread, *prosody.spread, baseline.clips])


def _declared(name: str, tensor: Tensor) -> dict[str, Any]:
    return {
        "name": name,
        "shape": tensor.shape,
        "datatype": "FP32",
        "parameters": {"binary_data_size": tensor.nbytes},
    }


def _probabilities(network: NetworkDescription) -> dict[str, Any]:
    """The output that the request asks for: each probability with its label."""
    return {"name": "probabilities", "parameters": {"classification": len(network.emotions)}}


def _probability(text: str) -> tuple[str, float]:
    """The label and the probability in `probability:index:label`."""
    probability, _, label = text.split(":", 2)
    return label, float(probability)
