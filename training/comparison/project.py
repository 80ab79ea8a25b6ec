"""The networks of this project beside the others, by their own trainers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnx
from scipy.special import softmax

from training.arrays import Float32, Integers
from training.examples import Examples
from training.export.deployable import deployable_model
from training.export.onnx_file import to_onnx
from training.export.ood_distance import Distance
from training.features.cache import FeatureCache
from training.features.standardisation import Standardisation
from training.fitting import Fitted
from training.storage.code_digest import code_digest
from training.trainers import FittedFrames, Trainer


@dataclass(frozen=True)
class ProjectLearner:
    """Fits CNN, DNN or TCN."""

    trainer: Trainer
    examples: Examples
    cache: FeatureCache

    def identity(self) -> Mapping[str, Any]:
        """The trainer's own."""
        identity = asdict(self.trainer.identity(self.examples))
        identity["settings"].pop("seed")  # a fit has its own
        return {**identity, "trainers": code_digest(("training.trainers",))}

    def inputs(self, row: int) -> Float32:
        """Frames (T, 25)."""
        return self.cache.frames(str(self.examples.contents[row]))

    def fit(self, rows: Integers, seed: int) -> "FittedProject":
        """As an evaluation does, from the recordings and their variants."""
        mask = np.isin(np.arange(len(self.examples.targets)), rows)
        training = self.examples.where(mask)
        fitted = self.trainer.fit(training, seed)
        if not isinstance(fitted, Fitted | FittedFrames):
            raise TypeError(f"{type(fitted)}: no such network is compared")
        return FittedProject(fitted, training, self)


@dataclass(frozen=True)
class FittedProject:
    """A fitted network of this project."""

    fitted: Fitted | FittedFrames
    training: Examples
    learner: ProjectLearner

    @property
    def losses(self) -> Float32:
        """(epochs,)."""
        return self.fitted.losses

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(parameter.numel() for parameter in self.fitted.module.parameters())

    def probabilities(self, rows: Integers) -> Float32:
        """Float32 (n, L), not calibrated."""
        logits = self.fitted.logits([self.learner.inputs(row) for row in rows.tolist()])
        return np.asarray(softmax(logits, axis=1), np.float32)

    def graph(self) -> onnx.ModelProto:
        """As it is served, but not calibrated."""
        vectors = self.training.vectors
        distance = Distance.fit(vectors, Standardisation.fit(vectors))
        return to_onnx(deployable_model(self.fitted, distance, 1.0), {})
