"""Models of scikit-learn and XGBoost."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np
import onnx
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression as Regression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.arrays import Float32, Integers
from training.comparison.declaration import GradientBoosting, LogisticRegression, RandomForest
from training.comparison.layers import data_digest
from training.comparison.learners import INPUT
from training.storage.code_digest import code_digest

ClassicalModel = LogisticRegression | RandomForest | GradientBoosting
ITERATIONS = 2000
# The newest that both converters write, and ONNX Runtime's own for trees.
OPSETS = {"": 15, "ai.onnx.ml": 3}


def estimator(model: ClassicalModel, seed: int) -> ClassifierMixin:
    """The model, on one thread, not yet fitted."""
    match model:
        case LogisticRegression(_, inverse_penalty):
            regression = Regression(C=inverse_penalty, max_iter=ITERATIONS)
            return make_pipeline(StandardScaler(), regression)
        case RandomForest(_, trees):
            return RandomForestClassifier(trees, random_state=seed)
        case GradientBoosting(_, rounds):
            import xgboost  # noqa: PLC0415  # most commands do without

            return xgboost.XGBClassifier(n_estimators=rounds, random_state=seed, n_jobs=1)


@dataclass(frozen=True)
class ClassicalLearner:
    """Fits on vectors."""

    model: ClassicalModel
    features: Float32  # (N, 1 + copies, ...); flattened where it is an image
    targets: Integers  # (N,)
    labels: int

    def identity(self) -> Mapping[str, Any]:
        """Model, data and code."""
        return {
            "model": msgspec.to_builtins(self.model),
            "data": data_digest(self.features, self.targets),
            "code": code_digest((__name__,)),
            "xgboost": version("xgboost-cpu"),
        }

    def inputs(self, row: int) -> Float32:
        """The vector of the recording itself."""
        vector: Float32 = self.features[row, 0].reshape(-1)
        return vector

    def fit(self, rows: Integers, seed: int) -> "FittedClassical":
        """Emotions that do not occur among the rows get probability 0."""
        versions = self.features.shape[1]
        vectors = self.features[rows].reshape(len(rows) * versions, -1)
        known, targets = np.unique(self.targets[rows], return_inverse=True)
        fitted = estimator(self.model, seed).fit(vectors, np.repeat(targets, versions))
        recordings = self.features[:, 0].reshape(len(self.features), -1)
        return FittedClassical(self.model, fitted, recordings, known, self.labels)


@dataclass(frozen=True)
class FittedClassical:
    """A fitted estimator."""

    model: ClassicalModel
    estimator: Any
    features: Float32  # (N, F)
    known: Integers  # the labels that it was fitted to
    labels: int

    @property
    def losses(self) -> Float32:
        """None."""
        return np.zeros(0, np.float32)

    @property
    def parameters(self) -> int:
        """Coefficients, or nodes of the trees."""
        if isinstance(self.model, LogisticRegression):
            regression = self.estimator[-1]
            return int(regression.coef_.size + regression.intercept_.size)
        if isinstance(self.model, RandomForest):
            return sum(tree.tree_.node_count for tree in self.estimator.estimators_)
        return sum(tree.count("\n") for tree in self.estimator.get_booster().get_dump())

    def probabilities(self, rows: Integers) -> Float32:
        """Float32 (n, L)."""
        answers = np.zeros((len(rows), self.labels), np.float32)
        answers[:, self.known] = self.estimator.predict_proba(self.features[rows])
        return answers

    def graph(self) -> onnx.ModelProto:
        """Vectors (N, F) to `probabilities` (N, L), all emotions among those fitted to."""
        shape = [None, self.features.shape[1]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the converters about their own inner workings
            if isinstance(self.model, GradientBoosting):
                return self._xgboost_graph(shape)
            return self._sklearn_graph(shape)

    def _xgboost_graph(self, shape: list[int | None]) -> onnx.ModelProto:
        from onnxmltools import convert_xgboost  # noqa: PLC0415  # a second that few need
        from onnxmltools.convert.common.data_types import FloatTensorType  # noqa: PLC0415

        inputs = [(INPUT, FloatTensorType(shape))]
        graph: onnx.ModelProto = convert_xgboost(
            self.estimator, initial_types=inputs, target_opset=OPSETS[""]
        )
        return graph

    def _sklearn_graph(self, shape: list[int | None]) -> onnx.ModelProto:
        from skl2onnx import convert_sklearn  # noqa: PLC0415  # a second that few need
        from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415

        inputs = [(INPUT, FloatTensorType(shape))]
        options = {"zipmap": False}
        graph: onnx.ModelProto = convert_sklearn(
            self.estimator, initial_types=inputs, target_opset=OPSETS, options=options
        )
        return graph
