"""How long one answer takes."""

import timeit
from pathlib import Path

import numpy as np
import onnxruntime

from training.features.recipe import RECIPE

SECONDS = 3  # of speech
RUNS = 100


def least_milliseconds(path: Path) -> float:
    """The least of 100 answers of an ONNX network to a clip of 3 s, on one thread.

    The least, since whatever else the machine does only ever adds to it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    length = SECONDS * RECIPE.sample_rate // RECIPE.hop_length + 1
    frames = np.random.default_rng(0).normal(size=(1, length, RECIPE.n_mfcc)).astype(np.float32)
    inputs = {
        "mfccs": frames.mean(axis=1),
        "frames": frames,
        "lengths": np.array([length]),
    }
    feed = {node.name: inputs[node.name] for node in session.get_inputs()}
    return 1e3 * min(timeit.repeat(lambda: session.run(None, feed), number=1, repeat=RUNS))
