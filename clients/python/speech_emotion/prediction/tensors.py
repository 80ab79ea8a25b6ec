"""Frames as binary tensors of the Open Inference Protocol, and the protocol's answer."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_emotion.contract import NetworkDescription
from speech_emotion.prediction.members import Members
from speech_emotion.profiles.baseline import Baseline

CONTENT_TYPE = "application/octet-stream"
JSON_BYTES = "Inference-Header-Content-Length"  # the length of the JSON before the tensors
# By the code of a warning: its distance in the outputs, and the limit in the parameters.
WARNINGS = {
    "outside-training-distribution": ("distance", "distance_limit"),
    "baseline-of-another-voice": ("baseline_distance", "baseline_limit"),
}

Tensor = NDArray[np.float32]


def binary_body(members: Members, network: NetworkDescription) -> tuple[bytes, dict[str, str]]:
    """The body of an inference request for one clip, and its headers."""
    tensors = dict(_tensors(members))
    document = {
        "inputs": [_declared(name, tensor) for name, tensor in tensors.items()],
        "outputs": _outputs(network),
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    body = b"".join([text, *(tensor.tobytes() for tensor in tensors.values())])
    return body, {"Content-Type": CONTENT_TYPE, JSON_BYTES: str(len(text))}


def prediction_document(
    content: bytes, network: NetworkDescription, details: Mapping[str, str]
) -> dict[str, Any] | None:
    """The answer in the form of that of `POST /prediction`.

    Args:
        content: the body of the response.
        network: that was asked.
        details: the texts of warnings, by code; the protocol's answer has only the code.

    Returns:
        None if the text of its warning is not known.

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
    code = answer.get("parameters", {}).get("warning")
    if code is None:
        return {"results": results}
    if code not in details or code not in WARNINGS:
        return None
    distance, limit = WARNINGS[code]
    warning = {
        "code": code,
        "detail": details[code],
        "distance": outputs[distance][0],
        "limit": answer["parameters"][limit],
    }
    return {"results": results, "warning": warning}


def _tensors(members: Members) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a batch of one clip, by name."""
    yield "frames", members.mfccs[np.newaxis].astype("<f4")
    if members.prosody is not None:
        yield "prosody", members.prosody[np.newaxis].astype("<f4")
    if members.baseline is not None:
        yield "baseline", _row(members.baseline)[np.newaxis].astype("<f4")


def _row(baseline: Baseline) -> NDArray[np.float64]:
    """The means of MFCCs and prosody, then their spreads, then the number of clips."""
    mfccs, prosody = baseline.mfccs, baseline.prosody
    return np.array([*mfccs.mean, *prosody.mean, *mfccs.spread, *prosody.spread, baseline.clips])


def _declared(name: str, tensor: Tensor) -> dict[str, Any]:
    return {
        "name": name,
        "shape": tensor.shape,
        "datatype": "FP32",
        "parameters": {"binary_data_size": tensor.nbytes},
    }


def _outputs(network: NetworkDescription) -> list[dict[str, Any]]:
    """The probabilities with their labels, and the distances."""
    labels = {"classification": len(network.emotions)}
    distances = ["distance", "baseline_distance"] if network.takes_baseline else ["distance"]
    return [
        {"name": "probabilities", "parameters": labels},
        *({"name": distance} for distance in distances),
    ]


def _probability(text: str) -> tuple[str, float]:
    """The label and the probability in `probability:index:label`."""
    probability, _, label = text.split(":", 2)
    return label, float(probability)
