"""The latency of predictions."""

import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from training.features.recipe import RECIPE
from training.features.recordings.statistics import STATISTICS
from training.voice.summary import BASELINE, PROSODY

SECONDS = 3  # of speech
RUNS = 100


def least_milliseconds(predict: Callable[[], object]) -> float:
    """Return the shortest of 100 runs in milliseconds.

    The minimum is the most reproducible: other work of the machine only adds to it.
    """
    return 1e3 * min(timeit.repeat(predict, number=1, repeat=RUNS))


def network_milliseconds(path: Path) -> float:
    """Return the latency of an ONNX network for a clip of 3 s, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    length = SECONDS * RECIPE.sample_rate // RECIPE.hop_length + 1
    frames = np.random.default_rng(0).normal(size=(1, length, RECIPE.n_mfcc)).astype(np.float32)
    names = [node.name for node in session.get_inputs()]
    of_prosody = (length, PROSODY) if "frames" in names else (len(STATISTICS),)
    inputs = {
        "mfccs": frames.mean(axis=1),
        "frames": frames,
        "lengths": np.array([length]),
        "prosody": np.ones((1, *of_prosody), np.float32),
        "baseline": np.ones((1, BASELINE), np.float32),
    }
    feed = {name: inputs[name] for name in names}
    return least_milliseconds(lambda: session.run(None, feed))
