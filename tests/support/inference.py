"""Requests of the Open Inference Protocol to a running server."""

import json
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from server.models.predictors import Array
from tests.support.harness import Server

JSON_BYTES = "Inference-Header-Content-Length"


def binary_request(*tensors: tuple[str, str, NDArray[Any]]) -> dict[str, Any]:
    """Arguments of httpx's `post` for a binary request that asks for a binary answer."""
    inputs = [
        {
            "name": name,
            "datatype": datatype,
            "shape": values.shape,
            "parameters": {"binary_data_size": values.nbytes},
        }
        for name, datatype, values in tensors
    ]
    text = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    content = b"".join([text, *(values.tobytes() for *_, values in tensors)])
    return {"content": content, "headers": {JSON_BYTES: str(len(text))}}


def probabilities(response: httpx.Response) -> Array:
    """The first output of a binary answer."""
    assert response.status_code == 200, response.text
    json_bytes = int(response.headers[JSON_BYTES])
    shape = json.loads(response.content[:json_bytes])["outputs"][0]["shape"]
    count = int(np.prod(shape))
    return np.frombuffer(response.content, "<f4", count, json_bytes).reshape(shape)


def predicted(server: Server, network: str, mfccs: Array) -> list[float]:
    """The probabilities that `/prediction` answers."""
    answer = server.client.post(f"/prediction/{network}", json={"mfccs": mfccs.tolist()})
    assert answer.status_code == 200, answer.text
    return [result["prediction"] for result in answer.json()["results"]]


def inference_error(response: httpx.Response, status: int) -> str:
    """Asserts that the response is an error of the protocol; returns its text."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    assert list(document) == ["error"]
    text: str = document["error"]
    return text
