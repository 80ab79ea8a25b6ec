"""A LitServe API, written as in its README."""

import sys
from typing import Any

import litserve

from benchmarks.peers.network import Emotions


class EmotionApi(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002  # LitServe passes it
        self.emotions = Emotions()

    def decode_request(self, request: dict[str, Any]) -> Any:
        return request["mfccs"]

    def predict(self, mfccs: list[float]) -> dict[str, Any]:
        return self.emotions.answer(mfccs)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    server = litserve.LitServer(
        EmotionApi(api_path="/prediction/DNN"), accelerator="cpu", fast_queue=True
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning"
    )
