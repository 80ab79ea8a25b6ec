"""Prosody on disk beside the MFCC frames, computed by the extractor's graph."""

import functools
from pathlib import Path

import numpy as np
import onnxruntime

from training.arrays import Float32
from training.export.session import single_threaded
from training.features.cache import FeatureCache
from training.features.recipe import RECIPE
from training.storage.code_digest import code_digest

ALGORITHM = ("training.features.prosody",)  # the graph is held to it


def prosody_cache(directory: Path) -> FeatureCache:
    """The cache of prosody float32 (T, 3), on the grid of the MFCC frames.

    Args:
        directory: the parent of its folder; another algorithm has another folder.
    """
    return FeatureCache(directory / f"prosody-{code_digest(ALGORITHM)}", extract_prosody)


def extract_prosody(audio: Float32) -> Float32:
    """Log F0, voicing and level of each frame, by the graph: many times as fast as NumPy.

    Args:
        audio: float32 (samples,), mono at 22,050 Hz, in [-1, 1].

    Returns:
        float32 (T, 3), as `training.features.prosody.extract_prosody`.
    """
    (prosody,) = _session().run(["prosody"], {"audio": audio[:, None]})
    return np.asarray(prosody, np.float32)


@functools.cache
def _session() -> onnxruntime.InferenceSession:
    from training.features.recording_graph import recording_graph  # noqa: PLC0415  # takes 0.5 s

    return single_threaded(recording_graph(RECIPE.sample_rate).SerializeToString())
