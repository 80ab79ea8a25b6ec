"""Predictions with ONNX Runtime directly, to compare the server with."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


def open_network(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def takes_vectors(session: ort.InferenceSession) -> bool:
    return bool(session.get_inputs()[0].name == "mfccs")


def predict(session: ort.InferenceSession, mfccs: Float32) -> list[float]:
    """The probabilities for frames (T, n_mfcc), or for a vector (n_mfcc,) if the network takes it.

    A network for vectors gets the mean of the frames.
    """
    if takes_vectors(session):
        vector = mfccs if mfccs.ndim == 1 else mfccs.mean(axis=0, dtype=np.float64)
        feed: dict[str, Any] = {"mfccs": vector.astype(np.float32)[np.newaxis]}
    else:
        feed = {"frames": mfccs[np.newaxis], "lengths": np.array([len(mfccs)], np.int64)}
    # Zeros stand for prosody and a baseline that are not given.
    for spec in session.get_inputs():
        length = [len(mfccs)] if spec.name == "prosody" and not takes_vectors(session) else []
        if spec.name not in feed:
            feed[spec.name] = np.zeros([1, *length, spec.shape[-1]], np.float32)
    probabilities: list[float] = session.run(["probabilities"], feed)[0][0].tolist()
    return probabilities
