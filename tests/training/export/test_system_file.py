"""The ONNX file of every system gives what its model gives."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from training.audio.augmentation import FrameAugmentation
from training.audio.noise import NoiseSettings
from training.audio.spectra import SpectraCache, Variants
from training.commands import Run, extract
from training.compare import PreparedModels, prepare
from training.export.onnx_file import ExportError
from training.export.system_file import Exported, graph, verify
from training.settings import DataSettings, TrainingSettings
from training.systems import tcn_functionals
from training.systems.base.trainer import Trainer
from training.systems.registry import own_systems
from training.systems.tcn_functionals import HeadHyperparameters, Hyperparameters, MixedModel

pytestmark = pytest.mark.usefixtures("one_process")

# The recordings alone, since spectra of their variants take a minute.
RECORDINGS = FrameAugmentation(original_share=1.0, noise=NoiseSettings(0.0, 0.0, 0.0))
HEADS = HeadHyperparameters(epochs=1, draws=1, augmentation=RECORDINGS)
QUICK = replace(
    tcn_functionals.SYSTEM,
    models=(
        MixedModel(
            Hyperparameters(
                dilations=((1,), (1,)),
                channels=16,
                epochs=1,
                augmentation=RECORDINGS,
                functionals_heads=2,
                heads=HEADS,
            )
        ),
    ),
)

PreparedSystem = Callable[[str], PreparedModels]


@pytest.fixture(scope="module")
def prepared(german: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedSystem:
    """A system's models, of one epoch each, and what they are fitted to."""
    data = DataSettings(("emodb-2s",), german, cache_path=tmp_path_factory.mktemp("cache"))
    run = Run(data, TrainingSettings(), networks=())
    extraction, served = extract(run, run.corpora(), 1)

    caches = replace(run.caches, spectra=SpectraCache(data.cache_path, Variants(dry=0, rooms=0)))

    def prepared(name: str) -> PreparedModels:
        system = QUICK if name == QUICK.name else own_systems()[name].with_epochs(1)
        if system.deployable:
            system = system.with_hyperparameters({"variants": 1})
        trainers = [Trainer(system, model, caches) for model in system.models]
        return prepare(trainers, extraction, served.with_occurring_labels(), run.scheduler)

    return prepared


@pytest.mark.parametrize(
    "name",
    ["issa-cnn", "alexnet-mel", "cnn-frames", "feature-vectors", "CNN", "TCN-functionals"],
)
def test_the_graph_gives_what_the_model_gives(prepared: PreparedSystem, name: str) -> None:
    for trainer, examples in prepared(name):
        fitted = trainer.fit(examples, seed=1)
        model = graph(fitted, examples)
        onnx.helper.set_model_props(model, {"format": "speech-emotion-recipe/1"})
        verify(Exported.load(model.SerializeToString()), trainer, fitted, examples)
        assert fitted.parameters > 0


def test_a_graph_that_gives_something_else_is_refused(prepared: PreparedSystem) -> None:
    ((trainer, examples),) = prepared("cnn-frames")
    one, other = (trainer.fit(examples, seed) for seed in (1, 2))
    model = graph(other, examples)
    onnx.helper.set_model_props(model, {"format": "speech-emotion-recipe/1"})
    exported = Exported.load(model.SerializeToString())
    with pytest.raises(ExportError, match=r"cnn-frames: the ONNX graph .* on \d+ clips"):
        verify(exported, trainer, one, examples)
