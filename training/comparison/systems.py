"""Recipes with a corpus in hand: the models that are to be fitted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.arrays import Float32
from training.comparison.classical import ClassicalLearner
from training.comparison.declaration import (
    LayerModel,
    Model,
    ProjectModel,
    Recipe,
    RecipeError,
    ServedFeatures,
    Training,
)
from training.comparison.features import FeatureStore, Recording
from training.comparison.layers import LayerLearner
from training.comparison.learners import Learner
from training.comparison.project import ProjectLearner
from training.examples import Examples
from training.features.cache import FeatureCache
from training.storage.scheduling import Scheduler
from training.trainers import Trainer


@dataclass(frozen=True)
class System:
    """One model of a recipe, and what fits it."""

    name: str  # the recipe's, with the model's behind it where there are several
    recipe: str
    model: Model
    learner: Learner


@dataclass(frozen=True)
class Workshop:
    """What learners are made of."""

    examples: Examples
    paths: Sequence[Path]  # of the N recordings
    cache: FeatureCache  # of the frames that the server's clients send
    trainer: Callable[[ProjectModel], Trainer]  # brings its own caches up to date
    directory: Path  # where the features of recipes are kept
    scheduler: Scheduler

    def systems(self, recipes: Mapping[str, Recipe]) -> list[System]:
        """Extracts what the recipes need, and makes a learner for each of their models."""
        return [
            system for name, recipe in recipes.items() for system in self._systems(name, recipe)
        ]

    def _systems(self, name: str, recipe: Recipe) -> list[System]:
        features = self._features(name, recipe)
        several = len(recipe.models) > 1
        return [
            System(
                f"{name}/{model.name}" if several else name,
                name,
                model,
                self._learner(name, model, recipe.training, features),
            )
            for model in recipe.models
        ]

    def _features(self, name: str, recipe: Recipe) -> Float32:
        """(N, 1 + copies, ...); nothing for this project's networks, which have their own."""
        if isinstance(recipe.features, ServedFeatures):
            return np.zeros(0, np.float32)
        store = FeatureStore(self.directory, recipe.features, recipe.augmentation)
        pairs = zip(self.paths, self.examples.contents.tolist(), strict=True)
        return store.load([Recording(*pair) for pair in pairs], self.scheduler, name)

    def _learner(
        self, name: str, model: Model, training: Training | None, features: Float32
    ) -> Learner:
        targets, labels = self.examples.targets, len(self.examples.labels)
        if isinstance(model, ProjectModel):
            return ProjectLearner(self.trainer(model), self.examples, self.cache)
        if not isinstance(model, LayerModel):
            return ClassicalLearner(model, features, targets, labels)
        if training is None:
            raise RecipeError(
                f"{name}: model {model.name!r} has layers, and there is no [training]"
            )
        learner = LayerLearner(model, training, features, targets, labels)
        try:
            learner.network(features[:2, 0])
        except RecipeError as error:
            raise RecipeError(f"{name}: model {model.name!r}: {error}") from error
        return learner
