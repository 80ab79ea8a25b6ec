from pathlib import Path

import numpy as np
import pytest
from training.comparison.declaration import (
    BUILT_IN,
    LayerModel,
    ProjectModel,
    RecipeError,
    find_recipes,
    read_recipe,
    read_recipes,
)
from training.comparison.layers import LayerNetwork

from tests.training.comparison.conftest import NEW_RECIPE

PUBLISHED = {"issa-cnn", "alexnet-mel", "feature-vectors", "cnn-frames"}


def test_every_published_system_and_every_own_network_has_a_recipe() -> None:
    assert read_recipes([BUILT_IN], "all").keys() == PUBLISHED | {"CNN", "DNN", "TCN"}


def test_the_feature_vector_system_lists_its_models() -> None:
    names = [model.name for model in read_recipe(BUILT_IN / "feature-vectors.toml").models]
    assert len(names) == 16
    assert {"logistic-regression", "random-forest-200", "xgboost-50", "network-100-norm"} <= {
        *names
    }


def write(folder: Path, old: str = "", new: str = "") -> Path:
    path = folder / "own.toml"
    path.write_text(NEW_RECIPE.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("learning_rate", "lerning_rate", "unknown field `lerning_rate` - at `$.training`"),
        ('title = "', 'titel = "" \ntitle = "', "unknown field `titel`"),
        ("units = 8", "unit = 8", "unknown field `unit` - at `$.models[0].layers[1]`"),
        ("units = 8", "units = 0", "Expected `int` >= 1 - at `$.models[0].layers[1].units`"),
        ('of = "mfcc"', 'of = "plp"', "Invalid enum value 'plp' - at `$.features.parts[0].of`"),
        ('"flatten"', '"pool"', "Invalid value 'pool' - at `$.models[0].layers[0].layer`"),
        ('kind = "layers"', 'kind = "svm"', "Invalid value 'svm' - at `$.models[0].kind`"),
        ("[features]", "[features", "Expected ']' at the end of a table declaration"),
        ('title = "', "title = 1 #", "Expected `str`, got `int` - at `$.title`"),
    ],
)
def test_what_a_recipe_says_wrong_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = write(tmp_path, old, new)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_network_without_training_is_an_error(tmp_path: Path) -> None:
    start, end = NEW_RECIPE.index("[training]"), NEW_RECIPE.index("[[models]]")
    path = write(tmp_path, NEW_RECIPE[start:end])
    with pytest.raises(RecipeError, match=r"'network' has layers, and there is no \[training\]"):
        read_recipe(path)


def test_a_network_of_this_project_takes_settings_of_its_trainer(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    text = (BUILT_IN / "CNN.toml").read_text(encoding="utf-8")
    path.write_text(text.replace("epochs = 120", "settings = { mixup = 0.0 }"), encoding="utf-8")
    (model,) = read_recipe(path).models
    assert isinstance(model, ProjectModel)
    assert model.settings == {"mixup": 0.0}
    path.write_text(text.replace("epochs = 120", "settings = { mixed = 1 }"), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"model 'CNN': no setting 'mixed'; known: .*mixup"):
        read_recipe(path)


def test_two_recipes_of_one_name_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "issa-cnn.toml").write_text(NEW_RECIPE, encoding="utf-8")
    with pytest.raises(RecipeError, match="is a recipe of the same name"):
        find_recipes([BUILT_IN, tmp_path])


def test_layers_that_do_not_fit_are_named_with_their_number(tmp_path: Path) -> None:
    path = write(
        tmp_path, '{ layer = "flatten" }', ", ".join(['{ layer = "max pool", size = 9 }'] * 2)
    )
    (model,) = read_recipe(path).models
    assert isinstance(model, LayerModel)
    with pytest.raises(RecipeError, match=r"layer 2 \(MaxPool\) cannot take"):
        LayerNetwork(model.layers, np.zeros((2, 26), np.float32), 7)


@pytest.mark.parametrize("name", sorted(PUBLISHED - {"feature-vectors"}))
def test_the_published_networks_take_their_features(name: str) -> None:
    recipe = read_recipe(BUILT_IN / f"{name}.toml")
    (model,) = recipe.models
    assert isinstance(model, LayerModel)
    shape = {"issa-cnn": (193,), "alexnet-mel": (128, 87), "cnn-frames": (40, 87)}[name]
    network = LayerNetwork(model.layers, np.zeros((2, *shape), np.float32), 7)
    assert sum(parameter.numel() for parameter in network.parameters()) > 100_000
