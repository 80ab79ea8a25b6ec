"""Three kinds of models, among which inner folds choose."""

from training.features.descriptors import Part, PooledFeatures
from training.systems.base.estimators import EstimatorModel
from training.systems.base.system import System
from training.systems.feature_vectors import (
    RegressionHyperparameters,
    TreeHyperparameters,
    boosting,
    forest,
    regression,
)

SYSTEM = System(
    name="several",
    title="Three kinds of models",
    source="a test",
    claim="none",
    features=PooledFeatures(parts=(Part(of="mfcc", count=13), Part(of="chroma", count=12))),
    models=(
        EstimatorModel(
            name="regression",
            estimator=regression,
            hyperparameters=RegressionHyperparameters(inverse_penalty=1.0),
        ),
        EstimatorModel(name="forest", estimator=forest, hyperparameters=TreeHyperparameters(5)),
        EstimatorModel(name="boosting", estimator=boosting, hyperparameters=TreeHyperparameters(3)),
    ),
)
