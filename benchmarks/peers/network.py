"""The network that every peer serves, run as in the tutorials of ONNX Runtime."""

import json
import os
from typing import Any

import numpy as np
import onnxruntime


class Emotions:
    """An ONNX Runtime session with one thread; `MODEL` is the path of the file."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            os.environ["MODEL"], options, providers=["CPUExecutionProvider"]
        )
        self.labels: list[str] = json.loads(
            self._session.get_modelmeta().custom_metadata_map["labels"]
        )

    def probabilities(self, mfccs: Any) -> Any:
        """float32 (N, 25) to float32 (N, 8)."""
        return self._session.run(["probabilities"], {"mfccs": mfccs})[0]

    def answer(self, mfccs: list[float]) -> dict[str, Any]:
        """The answer for a vector, in the format of the server."""
        (probabilities,) = self.probabilities(np.array([mfccs], dtype=np.float32)).tolist()
        pairs = zip(self.labels, probabilities, strict=True)
        return {"results": [{"emotionType": label, "prediction": p} for label, p in pairs]}
