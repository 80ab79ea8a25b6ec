"""MFCCs, and requests and answers with them in the formats of the contenders."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mfccs = NDArray[np.float64]  # (N, 25) vectors, or (N, T, 25) frames
Probabilities = NDArray[np.float32]  # of all rows, one after the other

CLIP = (
    *(-412.613, 58.207, -13.944, 11.502, -9.871, -5.233, -14.806, -7.119, -8.934, -2.541),
    *(-5.087, -0.763, -4.412, -1.905, -3.378, 0.284, -2.996, -1.147, -2.083, -0.519),
    *(-1.724, 0.631, -1.268, -0.407, -0.955),
)
SPREAD = (40.0, 20.0, *[8.0] * 23)


def mfccs_like_speech(shape: tuple[int, ...], seed: int) -> Mfccs:
    """MFCCs of this shape with the mean and scale of speech, rounded as clients do."""
    return np.random.default_rng(seed).normal(CLIP, SPREAD, shape).round(3)


@dataclass(frozen=True)
class Body:
    """The body of a request.

    json_bytes: the length of the JSON before binary tensors; None: the body is JSON only.
    """

    content: bytes
    json_bytes: int | None = None


@dataclass(frozen=True)
class Format:
    """A format of requests and answers.

    path: of the requests; `{network}` is replaced by the name.
    write: the body of a request about some MFCCs.
    read: the probabilities in an answer; takes the length of the JSON before binary tensors too.
    """

    path: str
    write: Callable[[Mfccs], Body]
    read: Callable[[bytes, int | None], Probabilities]


def _json(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _predictions(answer: bytes, _: int | None) -> Probabilities:
    found = json.loads(answer)
    answers = found if isinstance(found, list) else [found]
    rows = [[result["prediction"] for result in one["results"]] for one in answers]
    return np.array(rows, np.float32).ravel()


def _tensor(mfccs: Mfccs) -> dict[str, Any]:
    name = "mfccs" if mfccs.ndim == 2 else "frames"
    return {"name": name, "shape": mfccs.shape, "datatype": "FP32"}


def _v2_body(mfccs: Mfccs) -> Body:
    tensor = _tensor(mfccs) | {"data": mfccs.ravel().tolist()}
    return Body(_json({"inputs": [tensor], "outputs": [{"name": "probabilities"}]}))


def _v2_probabilities(answer: bytes, _: int | None) -> Probabilities:
    outputs = json.loads(answer)["outputs"]
    data = next(output["data"] for output in outputs if output["name"] == "probabilities")
    return np.array(data, np.float32)


def _binary_body(mfccs: Mfccs) -> Body:
    data = mfccs.astype("<f4").tobytes()
    tensor = _tensor(mfccs) | {"parameters": {"binary_data_size": len(data)}}
    text = _json({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    return Body(text + data, len(text))


def _binary_probabilities(answer: bytes, json_bytes: int | None) -> Probabilities:
    first = json.loads(answer[:json_bytes])["outputs"][0]
    return np.frombuffer(answer, "<f4", int(np.prod(first["shape"])), json_bytes or 0)


PATH = "/prediction/{network}"
V2_PATH = "/v2/models/{network}/infer"

REST = Format(PATH, lambda mfccs: Body(_json({"mfccs": mfccs[0].tolist()})), _predictions)
# BentoML's batches have utterances as their first dimension, also in a single request.
BENTOML = Format(
    PATH,
    lambda mfccs: REST.write(mfccs if mfccs.ndim == 2 else mfccs[np.newaxis]),
    _predictions,
)
V2 = Format(V2_PATH, _v2_body, _v2_probabilities)
V2_BINARY = Format(V2_PATH, _binary_body, _binary_probabilities)
