"""System files: those of the package, and a user's own."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.training.comparison.conftest import SIXTH
from training.examples import Examples
from training.systems.base.networks import NetworkModel, StandardisedNetwork
from training.systems.base.system import UnusableSystemError, parameter_count
from training.systems.base.trainer import modules_of
from training.systems.registry import choose, find_systems, own_systems

PUBLISHED = {"issa-cnn", "alexnet-mel", "feature-vectors", "cnn-frames"}
OUR_OWN = {"CNN", "DNN", "DNN-prosody", "TCN", "TCN-ensemble", "TCN-functionals"}
SHAPES = {"issa-cnn": (193,), "alexnet-mel": (128, 87), "cnn-frames": (40, 87)}


def test_every_published_system_and_every_own_network_is_compared() -> None:
    found = own_systems()
    assert found.keys() == PUBLISHED | OUR_OWN
    assert choose(found, "all").keys() == found.keys() - {"TCN", "TCN-ensemble", "DNN-prosody"}
    shipped = [name for name, system in found.items() if system.shipped]
    assert shipped == ["CNN", "DNN", "DNN-prosody", "TCN"]


def test_the_feature_vector_system_lists_its_models() -> None:
    names = [model.name for model in own_systems()["feature-vectors"].models]
    assert len(names) == 16
    assert {"logistic-regression", "random-forest-200", "xgboost-50", "network-100-norm"} <= {
        *names
    }


def write(folder: Path, old: str = "", new: str = "", name: str = "own.py") -> Path:
    path = folder / name
    path.write_text(SIXTH.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("learning_rate", "lerning_rate", "TypeError: NetworkHyperparameters.__init__() got an"),
        ('title="', 'titel="', "TypeError: System.__init__() got an unexpected keyword"),
        ('name="sixth"', 'name="a/b"', "name 'a/b'; expected letters, digits, _, - and ."),
        ("import nn", "import nn\nraise SystemExit(3)", "SystemExit: 3"),
        ('of="mfcc"', 'of="plp"', "features: Invalid enum value 'plp' - at `$.parts[0].of`"),
        ("count=13", "count=0", "features: Expected `int` >= 1 - at `$.parts[0].count`"),
        ("from torch import nn", "from torch import nnn", "ImportError: cannot import name 'nnn'"),
        ("SYSTEM = System(", "SYSTEM = System((", "SyntaxError: "),
        ("SYSTEM = ", "MINE = ", "no SYSTEM that is a System"),
    ],
)
def test_what_is_wrong_with_a_system_file_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = write(tmp_path, old, new)
    with pytest.raises(UnusableSystemError) as caught:
        find_systems(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnusableSystemError, match=r"no such folder; \[comparison\] recipes_path"):
        find_systems(tmp_path / "none")


def test_a_recipe_in_toml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "own.toml").touch()
    with pytest.raises(UnusableSystemError, match=r"own\.toml: .*a system is now a Python file"):
        find_systems(tmp_path)


def test_a_fit_depends_on_the_files_that_its_classes_are_from(tmp_path: Path) -> None:
    write(tmp_path, "SYSTEM = ", "from training.systems.cnn import CNN\nSYSTEM = ")
    systems = [own_systems()["TCN"], find_systems(tmp_path)["sixth"]]
    digests = [modules_of(system, system.model) for system in systems]
    assert digests[0][0] == "training.systems.tcn"
    assert digests[1][0].startswith("own_")
    assert "training.systems.base.networks" in digests[1]


def test_two_systems_of_one_name_are_an_error(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, name="other.py")
    with pytest.raises(UnusableSystemError, match=r"own\.py: .*other\.py declares a system"):
        find_systems(tmp_path)
    (tmp_path / "other.py").unlink()
    write(tmp_path, '"sixth"', '"issa-cnn"')
    with pytest.raises(UnusableSystemError, match="is the name of a built-in system"):
        find_systems(tmp_path)


def examples_of(shape: tuple[int, ...]) -> Examples:
    return SimpleNamespace(  # type: ignore[return-value]
        features=np.zeros((2, 1, *shape), np.float32), labels=tuple("abcdefg")
    )


def test_layers_that_do_not_fit_the_features_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, "nn.Linear(26,", "nn.Linear(27,")
    model = find_systems(tmp_path)["sixth"].model
    with pytest.raises(UnusableSystemError, match=r"cannot take features of shape \(26,\): mat1"):
        model.check(examples_of((26,)))


def test_layers_that_give_other_numbers_than_emotions_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, "nn.Linear(HIDDEN, labels)", "nn.Linear(HIDDEN, 3)")
    model = find_systems(tmp_path)["sixth"].model
    with pytest.raises(UnusableSystemError, match=r"give \(3,\) numbers a clip; expected 7"):
        model.check(examples_of((26,)))


@pytest.mark.parametrize("name", SHAPES)
def test_the_published_networks_take_their_features(name: str) -> None:
    model = own_systems()[name].model
    assert isinstance(model, NetworkModel)
    examples = examples_of(SHAPES[name])
    model.check(examples)
    network = StandardisedNetwork(model.layers(7), examples.features[:, 0])
    assert parameter_count(network) > 100_000
