"""Every recipe as ONNX says what its trainer says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from training.comparison.commands import make_workshop, with_occurring_labels
from training.comparison.declaration import BUILT_IN, read_recipes
from training.comparison.exported import Exported, verify
from training.comparison.systems import System

from training.arrays import Integers
from training.commands import Run, features
from training.export.onnx_file import ExportError
from training.settings import DataSettings, TrainingSettings

pytestmark = pytest.mark.usefixtures("one_process")

SystemsOf = Callable[[str], list[System]]
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def systems_of(german: Path, tmp_path_factory: pytest.TempPathFactory) -> SystemsOf:
    data = DataSettings("emodb-2s", german, cache_path=tmp_path_factory.mktemp("cache"))
    run = Run(data, TrainingSettings(variants=1), networks=(), resume=False)
    material = features(run)
    workshop = make_workshop(run, material, with_occurring_labels(material.examples))

    def systems(name: str) -> list[System]:
        recipes = read_recipes([BUILT_IN], name)
        return workshop.systems({key: recipe.with_epochs(1) for key, recipe in recipes.items()})

    return systems


@pytest.fixture(scope="module")
def rows(german: Path) -> Integers:
    """All utterances."""
    return np.arange(len(list(german.iterdir())))


@pytest.mark.parametrize(
    "recipe", ["issa-cnn", "alexnet-mel", "cnn-frames", "feature-vectors", "CNN", "TCN"]
)
def test_the_graph_says_what_the_trainer_says(
    systems_of: SystemsOf, rows: Integers, recipe: str
) -> None:
    for system in systems_of(recipe):
        predictor = system.learner.fit(rows, seed=1)
        graph = predictor.graph()
        onnx.helper.set_model_props(graph, {"format": "speech-emotion-recipe/1"})
        exported = Exported.load(graph.SerializeToString())
        answers = [exported.probabilities(system.learner.inputs(row)) for row in rows.tolist()]
        np.testing.assert_allclose(answers, predictor.probabilities(rows), atol=TOLERANCE)
        assert predictor.parameters > 0


def test_a_graph_that_says_something_else_is_refused(systems_of: SystemsOf, rows: Integers) -> None:
    (system,) = systems_of("cnn-frames")
    one, other = (system.learner.fit(rows, seed) for seed in (1, 2))
    graph = other.graph()
    onnx.helper.set_model_props(graph, {"format": "speech-emotion-recipe/1"})
    exported = Exported.load(graph.SerializeToString())
    with pytest.raises(ExportError, match=r"cnn-frames: the ONNX graph .* on \d+ clips"):
        verify(exported, system, one, utterances=len(rows))
