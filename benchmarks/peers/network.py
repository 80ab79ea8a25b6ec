"""The network that every peer serves, run as in the tutorials of ONNX Runtime."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

# A batch is computed while the next one collects, with the 16 connections of a race.
BATCH = 8
BATCH_SECONDS = 0.005  # at most, from the first request of a batch to its start


def network_name() -> str:
    """`DNN` or `TCN`: the name of the file `MODEL`."""
    return Path(os.environ["MODEL"]).stem


class Feed:
    """The inputs of a session; zeros stand for the optional ones."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        inputs = [(given.name, given.shape) for given in session.get_inputs()]
        (self._first, _), *self._others = inputs

    def __call__(self, mfccs: Any) -> dict[str, Any]:
        """The inputs for float32 (N, 25) vectors, or (N, T, 25) frames of whole utterances."""
        count, frames = mfccs.shape[:2]
        feed = {self._first: mfccs}
        for name, shape in self._others:
            if name == "lengths":
                feed[name] = np.full(count, frames, np.int64)
            else:
                sizes = [frames if isinstance(size, str) else size for size in shape[1:]]
                feed[name] = np.zeros((count, *sizes), np.float32)
        return feed


class Emotions:
    """An ONNX Runtime session with one thread; `MODEL` is the path of the file."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            os.environ["MODEL"], options, providers=["CPUExecutionProvider"]
        )
        self._feed = Feed(self._session)
        self.labels: list[str] = json.loads(
            self._session.get_modelmeta().custom_metadata_map["labels"]
        )

    def probabilities(self, mfccs: Any) -> Any:
        """float32 (N, 25) vectors or (N, T, 25) frames to float32 (N, 8)."""
        return self._session.run(["probabilities"], self._feed(mfccs))[0]

    def answers(self, mfccs: Any) -> list[dict[str, Any]]:
        """An answer for each of N vectors or utterances, in the format of the server."""
        rows = self.probabilities(np.asarray(mfccs, np.float32)).tolist()
        return [
            {
                "results": [
                    {"emotionType": label, "prediction": p}
                    for label, p in zip(self.labels, row, strict=True)
                ]
            }
            for row in rows
        ]

    def answer(self, mfccs: list[Any]) -> dict[str, Any]:
        """The answer for a vector, or for the frames of an utterance."""
        return self.answers([mfccs])[0]
