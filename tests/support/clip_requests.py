"""The prediction requests of clients, in JSON and in binary, as a proxy sees them."""

import json
from dataclasses import replace
from typing import Any

import numpy as np

from tests.support.hostile.faulty_proxy import Answer, FaultyProxy

JSON = "/prediction/{}"
BINARY = "/v2/models/{}/infer"
COEFFICIENTS = 25
COLUMNS = COEFFICIENTS + 3  # with prosody


def posts(proxy: FaultyProxy) -> list[tuple[str, bytes]]:
    """The path and body of each request that has a body."""
    return [(path, body) for path, body in proxy.requests if body]


def paths(proxy: FaultyProxy) -> list[str]:
    """The paths of these requests."""
    return [path for path, _ in posts(proxy)]


def without_inference(answer: Answer) -> Answer:
    """The handshake of an older server."""
    document = json.loads(answer.body)
    for network in document["networks"]:
        del network["inference"]
    return replace(answer, body=json.dumps(document).encode())


def members_of(body: bytes) -> dict[str, Any]:
    """The members of a request for one clip, as in the JSON of `POST /prediction`."""
    document, end = json.JSONDecoder().raw_decode(body.decode("latin-1"))
    if "inputs" not in document:
        assert end == len(body)
        return dict(document)
    tensors = dict(_tensors(document, body[end:]))
    members: dict[str, Any] = {"mfccs": tensors["frames"].tolist()}
    if "prosody" in tensors:
        members["prosody"] = tensors["prosody"].tolist()
    if "baseline" in tensors:
        members["baseline"] = _baseline(tensors["baseline"])
    return members


def _tensors(document: dict[str, Any], data: bytes) -> Any:
    """The name and the only row of each tensor; no byte is left."""
    for given in document["inputs"]:
        size = given["parameters"]["binary_data_size"]
        yield given["name"], np.frombuffer(data[:size], "<f4").reshape(given["shape"])[0]
        data = data[size:]
    assert not data


def _baseline(row: Any) -> dict[str, Any]:
    mean, spread = row[:COLUMNS].tolist(), row[COLUMNS:-1].tolist()
    parts = {"mfccs": slice(COEFFICIENTS), "prosody": slice(COEFFICIENTS, None)}
    moments = {name: {"mean": mean[part], "spread": spread[part]} for name, part in parts.items()}
    return {"clips": int(row[-1])} | moments
