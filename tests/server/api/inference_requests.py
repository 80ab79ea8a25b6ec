"""Makes requests of the Open Inference Protocol and reads their answers."""

import json
from typing import Any

import numpy as np
from falcon.testing import Result, TestClient
from numpy.typing import NDArray

from server.models.predictors import Array

VECTOR = [1.0, 2.0, 3.0, *[0.0] * 22]
NEAR_AND_FAR = np.array([VECTOR, [-6.0] * 25], np.float32)
JSON_BYTES = "Inference-Header-Content-Length"


def tensor(name: str, values: Any, datatype: str = "FP32") -> dict[str, Any]:
    array = np.asarray(values)
    data = array.ravel().tolist()
    return {"name": name, "shape": list(array.shape), "datatype": datatype, "data": data}


def infer(
    client: TestClient,
    body: bytes | dict[str, Any],
    model: str = "DNN",
    headers: dict[str, str] | None = None,
) -> Result:
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | (headers or {})
    return client.simulate_post(f"/v2/models/{model}/infer", body=body, headers=headers)


def infer_vectors(client: TestClient, vectors: Any, **members: Any) -> dict[str, Any]:
    answer = infer(client, {"inputs": [tensor("mfccs", vectors)], **members})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json
    return document


def infer_binary(
    client: TestClient, document: dict[str, Any], *parts: bytes, model: str = "DNN"
) -> Result:
    text = json.dumps(document).encode()
    headers = {"Content-Type": "application/octet-stream", JSON_BYTES: str(len(text))}
    return infer(client, text + b"".join(parts), model, headers)


def binary(name: str, values: NDArray[Any], datatype: str = "FP32") -> dict[str, Any]:
    parameters = {"binary_data_size": values.nbytes}
    shape = list(values.shape)
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": parameters}


def outputs(document: dict[str, Any]) -> dict[str, Array]:
    """The tensors of a JSON answer."""
    return {
        output["name"]: np.array(output["data"], np.float32).reshape(output["shape"])
        for output in document["outputs"]
    }


def error_of(answer: Result, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["error"]
    text: str = answer.json["error"]
    return text


def changed(**members: Any) -> dict[str, Any]:
    """A request for one vector, with changed members of its input."""
    return {"inputs": [tensor("mfccs", [VECTOR]) | members]}


FRAMES = tensor("frames", np.zeros((2, 3, 25)))
