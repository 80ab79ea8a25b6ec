"""Asks a server with MLServer's own types and codecs; prints the answers as JSON.

Usage: mlserver_types.py HOST:PORT INPUTS.npz   (vectors (N, 25), frames (N, T, 25), lengths (N,))
"""

import json
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
from mlserver.codecs import NumpyCodec, NumpyRequestCodec
from mlserver.types import (
    InferenceErrorResponse,
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataServerResponse,
    RequestOutput,
)
from numpy.typing import NDArray


class Client:
    def __init__(self, address: str) -> None:
        self._base = f"http://{address}/v2"

    def get(self, path: str) -> bytes:
        with urlopen(self._base + path) as response:
            content: bytes = response.read()
            return content

    def infer(self, model: str, request: InferenceRequest) -> InferenceResponse:
        body = request.model_dump_json().encode()
        headers = {"Content-Type": "application/json"}
        url = f"{self._base}/models/{model}/infer"
        with urlopen(Request(url, body, headers)) as response:
            return InferenceResponse.model_validate_json(response.read())

    def error(self, model: str, request: InferenceRequest) -> str | None:
        try:
            self.infer(model, request)
        except HTTPError as error:
            return str(InferenceErrorResponse.model_validate_json(error.read()).error)
        return None


def found(response: InferenceResponse) -> dict[str, Any]:
    return {output.name: NumpyCodec.decode_output(output).tolist() for output in response.outputs}


def request(**arrays: NDArray[Any]) -> InferenceRequest:
    inputs = [NumpyCodec.encode_input(name, values) for name, values in arrays.items()]
    return InferenceRequest(id="9", inputs=inputs)


def main(address: str, path: str) -> None:
    client, arrays = Client(address), np.load(path)
    vectors = request(mfccs=arrays["vectors"])
    only = InferenceRequest(inputs=vectors.inputs, outputs=[RequestOutput(name="distance")])
    whole = NumpyRequestCodec.encode_request(arrays["vectors"])
    whole.inputs[0].name = "mfccs"
    answer = client.infer("DNN", vectors)
    model = MetadataModelResponse.model_validate_json(client.get("/models/TCN"))
    answers = {
        "id": answer.id,
        "vectors": found(answer),
        "single": found(client.infer("DNN", request(mfccs=arrays["vectors"][:1]))),
        "codec": found(client.infer("DNN", whole)),
        "frames": found(
            client.infer("TCN", request(frames=arrays["frames"], lengths=arrays["lengths"]))
        ),
        "one output": found(client.infer("DNN", only)),
        "server": MetadataServerResponse.model_validate_json(client.get("")).model_dump(),
        "model": model.model_dump(),
        "error": client.error("DNN", request(mfccs=arrays["vectors"].astype(np.float64))),
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
