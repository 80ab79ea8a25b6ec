"""What every kind of model has in common, whoever fits it."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import onnx

from training.arrays import Float32, Integers
from training.features.mfcc import pool

# A recipe's features go in under this name; a network of this project has its own.
INPUT = "features"
Feed = dict[str, Float32 | Integers]


class Predictor(Protocol):
    """A fitted model."""

    @property
    def losses(self) -> Float32:
        """The mean loss of each epoch; empty where the model has no epochs."""
        ...

    @property
    def parameters(self) -> int:
        """Numbers that were fitted; of trees, their nodes."""
        ...

    def probabilities(self, rows: Integers) -> Float32:
        """Float32 (n, L) of these utterances, their clips as recorded."""
        ...

    def graph(self) -> onnx.ModelProto:
        """The same model as ONNX, with `probabilities` among its outputs."""
        ...


class Learner(Protocol):
    """A model that can be fitted to some of N utterances, whose features it holds."""

    def identity(self) -> Mapping[str, Any]:
        """All that a fit depends on beside its utterances and its seed, ready for JSON."""
        ...

    def inputs(self, row: int) -> Float32:
        """The features of one utterance, as `feed` takes them."""
        ...

    def fit(self, rows: Integers, seed: int) -> Predictor:
        """Fits to the utterances `rows` alone; the same rows and seed give the same model."""
        ...


def feed(names: list[str], features: Float32) -> Feed:
    """What an ONNX graph with these inputs is given, for the features of one clip."""
    if names == [INPUT]:
        return {INPUT: features[np.newaxis]}
    if names == ["mfccs"]:
        return {"mfccs": pool(features)[np.newaxis]}
    return {"frames": features[np.newaxis], "lengths": np.array([len(features)])}
