"""What is set for a network changes its fit, or is an error that names it."""

import pytest

from training.fitting.loop import Optimisation
from training.settings import HYPERPARAMETERS
from training.systems.base.system import HyperparameterError, System
from training.systems.registry import own_systems

NETWORKS = [system for system in own_systems().values() if system.deployable]
VALUES = dict.fromkeys(HYPERPARAMETERS, 0.125) | dict.fromkeys(
    ("epochs", "batch_size", "variants", "frame_epochs", "functionals_heads"), 4
)


def optimisation(system: System) -> Optimisation:
    found = system.model.hyperparameters.optimisation()
    assert isinstance(found, Optimisation)
    return found


def test_a_learning_rate_changes_the_fit_of_every_network() -> None:
    for system in NETWORKS:
        changed = optimisation(system.with_hyperparameters({"learning_rate": 0.125}))
        assert changed.learning_rate == 0.125
        assert optimisation(system).learning_rate < 0.01


@pytest.mark.parametrize("system", NETWORKS, ids=[system.name for system in NETWORKS])
@pytest.mark.parametrize("key", HYPERPARAMETERS)
def test_what_is_set_changes_the_hyperparameters_or_is_an_error(system: System, key: str) -> None:
    value = VALUES[key]
    field = "epochs" if (key, system.model.input) == ("frame_epochs", "frames") else key
    if hasattr(system.model.hyperparameters, field):
        changed = system.with_hyperparameters({key: value})
        assert changed.model.hyperparameters != system.model.hyperparameters
        return
    with pytest.raises(HyperparameterError) as caught:
        system.with_hyperparameters({key: value})
    message = f"{key} = {value}: {system.name} has no such hyperparameter; it has epochs, "
    assert str(caught.value).startswith(message)


def test_epochs_of_frame_networks_are_epochs_of_the_tcn() -> None:
    tcn = own_systems()["TCN"].with_hyperparameters({"frame_epochs": 7})
    assert tcn.model.hyperparameters.epochs == 7


def test_the_epochs_of_a_comparison_are_those_of_models_that_have_epochs() -> None:
    systems = own_systems()
    changed = systems["feature-vectors"].with_epochs(3)
    epochs = {model.name: model.epochs for model in changed.models}
    assert (epochs["network-50"], epochs["random-forest-50"]) == (3, 0)
