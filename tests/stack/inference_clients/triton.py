"""Asks a server everything that Triton's own client can ask; prints the answers as JSON.

Usage: triton.py HOST:PORT INPUTS.npz   (vectors (N, 25), frames (N, T, 25), lengths (N,))
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from numpy.typing import NDArray
from tritonclient.utils import InferenceServerException

Arrays = dict[str, NDArray[Any]]
DATATYPES = {"float32": "FP32", "int64": "INT64"}


def tensors(arrays: Arrays, *, binary: bool, module: Any = triton) -> list[Any]:
    given = []
    for name, values in arrays.items():
        tensor = module.InferInput(name, values.shape, DATATYPES[values.dtype.name])
        tensor.set_data_from_numpy(values, binary_data=binary)
        given.append(tensor)
    return given


def wanted(*, binary: bool) -> list[triton.InferRequestedOutput]:
    names = ("probabilities", "distance")
    return [triton.InferRequestedOutput(name, binary_data=binary) for name in names]


def found(result: triton.InferResult) -> dict[str, Any]:
    return {name: result.as_numpy(name).tolist() for name in ("probabilities", "distance")}


def error_of(ask: Callable[[], Any]) -> dict[str, str | None]:
    try:
        ask()
    except InferenceServerException as error:
        return {"message": error.message(), "status": error.status()}
    return {}


def predictions(client: triton.InferenceServerClient, model: str, arrays: Arrays) -> dict[str, Any]:
    single = {name: values[:1] for name, values in arrays.items()}
    waiting = client.async_infer(model, tensors(arrays, binary=True), request_id="7")
    return {
        "default": found(client.infer(model, tensors(arrays, binary=True))),
        "json": found(
            client.infer(model, tensors(arrays, binary=False), outputs=wanted(binary=False))
        ),
        "mixed": found(
            client.infer(model, tensors(arrays, binary=False), outputs=wanted(binary=True))
        ),
        "single": found(client.infer(model, tensors(single, binary=True))),
        "single json": found(
            client.infer(model, tensors(single, binary=False), outputs=wanted(binary=False))
        ),
        "async": found(waiting.get_result()),
        "gzip answer": found(
            client.infer(model, tensors(arrays, binary=True), response_compression_algorithm="gzip")
        ),
    }


async def aio_prediction(address: str, arrays: Arrays) -> dict[str, Any]:
    async with triton_aio.InferenceServerClient(address) as client:
        given = tensors(arrays, binary=True, module=triton_aio)
        return found(await client.infer("DNN", given))


def about(client: triton.InferenceServerClient) -> dict[str, Any]:
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready("DNN"),
        "unknown ready": client.is_model_ready("RNN"),
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata("TCN"),
        "configuration": client.get_model_config("DNN"),
    }


def refusals(client: triton.InferenceServerClient, arrays: Arrays) -> dict[str, Any]:
    def infer(model: str, **options: Any) -> Any:
        return client.infer(model, tensors(arrays, binary=True), **options)

    return {
        "unknown": error_of(lambda: infer("RNN")),
        "wrong input": error_of(lambda: infer("TCN")),
        "version": error_of(lambda: infer("DNN", model_version="1")),
        "gzip": error_of(lambda: infer("DNN", request_compression_algorithm="gzip")),
        "repository": error_of(client.get_model_repository_index),
        "load": error_of(lambda: client.load_model("DNN")),
    }


def main(address: str, path: str) -> None:
    arrays = np.load(path)
    vectors = {"mfccs": arrays["vectors"]}
    frames = {"frames": arrays["frames"], "lengths": arrays["lengths"]}
    with triton.InferenceServerClient(address) as client:
        likeliest = [triton.InferRequestedOutput("probabilities", class_count=2)]
        classes = client.infer("DNN", tensors(vectors, binary=True), outputs=likeliest)
        version = client.get_model_metadata("DNN")["versions"][0]
        named = client.infer("DNN", tensors(vectors, binary=True), model_version=version)
        answers = {
            "about": about(client),
            "vectors": predictions(client, "DNN", vectors),
            "frames": predictions(client, "TCN", frames),
            "aio": asyncio.run(aio_prediction(address, vectors)),
            "classes": [
                [text.decode() for text in row] for row in classes.as_numpy("probabilities")
            ],
            "version": named.get_response()["model_version"],
            "refusals": refusals(client, vectors),
        }
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
