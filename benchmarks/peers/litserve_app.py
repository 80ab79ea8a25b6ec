"""A LitServe API, written as in its README; that of `TCN` with LitServe's batching."""

import sys
from typing import Any

import litserve
import numpy as np

from benchmarks.peers.network import BATCH, BATCH_SECONDS, Emotions, network_name


class EmotionApi(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002  # LitServe passes it
        self.emotions = Emotions()

    def decode_request(self, request: dict[str, Any]) -> Any:
        return request["mfccs"]

    def predict(self, mfccs: list[float]) -> Any:
        return self.emotions.answer(mfccs)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


class BatchApi(EmotionApi):
    def batch(self, inputs: list[Any]) -> Any:
        return np.array(inputs, np.float32)

    def predict(self, mfccs: Any) -> Any:
        return self.emotions.answers(mfccs)

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return output


def main() -> None:
    path = f"/prediction/{network_name()}"
    if network_name() == "TCN":
        api = BatchApi(api_path=path, max_batch_size=BATCH, batch_timeout=BATCH_SECONDS)
    else:
        api = EmotionApi(api_path=path)
    server = litserve.LitServer(api, accelerator="cpu", fast_queue=True)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning"
    )


if __name__ == "__main__":
    main()
