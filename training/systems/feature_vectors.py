"""Feature vector networks: pooled acoustic features, and the model that inner folds choose.

Sixteen models are measured. The last row of the comparison is what a user gets: in each fold the
model that did best on the other folds' speakers, fitted without the fold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from training.features.descriptors import Part, PooledFeatures
from training.systems.base.estimators import EstimatorModel
from training.systems.base.networks import NetworkHyperparameters, NetworkModel
from training.systems.base.system import System

FEATURES = PooledFeatures(
    trim_top_db=30.0,
    parts=(
        Part(of="mfcc", count=40, statistics=("mean", "deviation")),
        Part(of="chroma", count=12, statistics=("mean", "deviation")),
        Part(of="contrast", count=7, statistics=("mean", "deviation")),
    ),
)
WIDTH = 2 * sum(part.count for part in FEATURES.parts)  # 118

NETWORK_HYPERPARAMETERS = NetworkHyperparameters(
    optimiser="adam", learning_rate=0.001, epochs=40, batch_size=32
)
HIDDEN_LAYERS = 3
DROPOUT = 0.3
SIZES = (50, 100, 200)  # trees, rounds of boosting, or units of a hidden layer


@dataclass(frozen=True)
class RegressionHyperparameters:
    """Of multinomial logistic regression on standardised features."""

    inverse_penalty: float = 0.1  # C
    iterations: int = 2000  # enough to converge


@dataclass(frozen=True)
class TreeHyperparameters:
    """Of a random forest (Breiman 2001) or of XGBoost (Chen and Guestrin 2016)."""

    count: int  # trees; a round of boosting adds one for each emotion


def regression(hyperparameters: RegressionHyperparameters, _seed: int) -> Any:
    """A pipeline with standardisation."""
    c, iterations = hyperparameters.inverse_penalty, hyperparameters.iterations
    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=iterations))


def forest(hyperparameters: TreeHyperparameters, seed: int) -> Any:
    """With scikit-learn's own defaults."""
    return RandomForestClassifier(hyperparameters.count, random_state=seed)


def boosting(hyperparameters: TreeHyperparameters, seed: int) -> Any:
    """With XGBoost's own defaults."""
    import xgboost  # noqa: PLC0415  # most commands do without

    count = hyperparameters.count
    return xgboost.XGBClassifier(n_estimators=count, random_state=seed, n_jobs=1)


def layers(labels: int, units: int, *, norm: bool, dropout: bool) -> nn.Module:
    """A perceptron: (N, 1, 118) to logits (N, labels)."""
    modules: list[nn.Module] = [nn.Flatten()]
    for number in range(HIDDEN_LAYERS):
        modules.append(nn.Linear(units if number else WIDTH, units))
        if norm:
            modules.append(nn.BatchNorm1d(units))
        modules.append(nn.ReLU())
        if dropout:
            modules.append(nn.Dropout(DROPOUT))
    return nn.Sequential(*modules, nn.Linear(units, labels))


def _estimators() -> Iterator[EstimatorModel]:
    yield EstimatorModel(
        name="logistic-regression",
        estimator=regression,
        hyperparameters=RegressionHyperparameters(),
    )
    for name, estimator in (("random-forest", forest), ("xgboost", boosting)):
        for size in SIZES:
            yield EstimatorModel(
                name=f"{name}-{size}",
                estimator=estimator,
                hyperparameters=TreeHyperparameters(size),
            )


def _networks() -> Iterator[NetworkModel]:
    for norm, dropout, suffix in (
        (False, False, ""),
        (True, False, "-norm"),
        (True, True, "-norm-dropout"),
    ):
        for units in SIZES:
            yield NetworkModel(
                name=f"network-{units}{suffix}",
                layers=partial(layers, units=units, norm=norm, dropout=dropout),
                hyperparameters=NETWORK_HYPERPARAMETERS,
            )


SYSTEM = System(
    name="feature-vectors",
    title="Feature vectors with model selection",
    source="public system, unpublished",
    claim="64.49 % on two held-out speakers",
    features=FEATURES,
    models=(*_estimators(), *_networks()),
)
