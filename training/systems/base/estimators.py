"""Models of scikit-learn and XGBoost."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import onnx
from sklearn.ensemble import RandomForestClassifier

from training.arrays import Float32, Integers
from training.examples import Examples
from training.systems.base.networks import INPUT
from training.systems.base.system import Caches, FitContext, Model

# The newest that both converters write, and ONNX Runtime's own for trees.
OPSETS = {"": 15, "ai.onnx.ml": 3}


@dataclass(frozen=True)
class FittedEstimator:
    """A fitted estimator."""

    estimator: Any
    width: int  # numbers of a vector
    known: Integers  # the labels that it was fitted to
    labels: int

    @property
    def losses(self) -> Float32:
        """Empty: an estimator has no epochs."""
        return np.zeros(0, np.float32)

    @property
    def parameters(self) -> int:
        """Of the last step: nodes of trees, or coefficients; 0 if it has neither."""
        last = self.estimator[-1] if hasattr(self.estimator, "steps") else self.estimator
        if hasattr(last, "get_booster"):
            return sum(tree.count("\n") for tree in last.get_booster().get_dump())
        if isinstance(last, RandomForestClassifier):
            return sum(tree.tree_.node_count for tree in last.estimators_)
        return int(last.coef_.size + last.intercept_.size) if hasattr(last, "coef_") else 0

    def logits(self, clips: Sequence[Float32]) -> Float32:
        """Features of N clips to log-probabilities float32 (N, L), -inf where it is impossible."""
        vectors = np.stack([clip.reshape(-1) for clip in clips])
        probabilities = np.zeros((len(clips), self.labels), np.float32)
        probabilities[:, self.known] = self.estimator.predict_proba(vectors)
        with np.errstate(divide="ignore"):
            logits: Float32 = np.log(probabilities)
        return logits

    def graph(self) -> onnx.ModelProto:
        """Vectors (N, F) to `probabilities` (N, L), all emotions among those fitted to."""
        # The imports take a second, and most commands do without them.
        options: dict[str, Any]
        if hasattr(self.estimator, "get_booster"):
            from onnxmltools import convert_xgboost as convert  # noqa: PLC0415
            from onnxmltools.convert.common.data_types import FloatTensorType  # noqa: PLC0415

            options = {"target_opset": OPSETS[""]}
        else:
            from skl2onnx import convert_sklearn as convert  # noqa: PLC0415
            from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415

            options = {"target_opset": OPSETS, "options": {"zipmap": False}}
        inputs = [(INPUT, FloatTensorType([None, self.width]))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the converters about their own internals
            graph: onnx.ModelProto = convert(self.estimator, initial_types=inputs, **options)
        return graph


@dataclass(frozen=True, kw_only=True)
class EstimatorModel(Model):
    """Fits a classifier of scikit-learn, on one thread, to vectors."""

    estimator: Callable[[Any, int], Any]  # from hyperparameters and seed; not yet fitted

    @property
    def epochs(self) -> int:
        """0: an estimator has no epochs."""
        return 0

    def settings(self, caches: Caches) -> dict[str, Any]:
        """The hyperparameters, and XGBoost's version."""
        return {**super().settings(caches), "xgboost": version("xgboost-cpu")}

    def fit(self, examples: Examples, context: FitContext) -> FittedEstimator:
        """Emotions that do not occur among the examples get probability 0."""
        count, versions = examples.features.shape[:2]
        vectors = examples.features.reshape(count * versions, -1)
        known, targets = np.unique(examples.targets, return_inverse=True)
        estimator = self.estimator(self.hyperparameters, context.seed)
        fitted = estimator.fit(vectors, np.repeat(targets, versions))
        return FittedEstimator(fitted, vectors.shape[1], known, len(examples.labels))
