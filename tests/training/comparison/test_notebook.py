"""docs/Report_SER.ipynb, executed on a small comparison, and as committed."""

import base64
import re
from pathlib import Path

import nbformat
import onnx
import pytest
from nbformat import NotebookNode

from configuration import ROOT
from tests.training.comparison.conftest import Command
from training.report import notebook
from training.report.comparison import ResultsError
from training.report.notebook import ComparisonReport, FrameModel
from training.systems.registry import own_systems

pytestmark = pytest.mark.usefixtures("one_process")

CONVOLUTIONS = """
from torch import nn

from training.features.descriptors import ImageFeatures, Part, PooledFeatures
from training.systems.base.networks import NetworkHyperparameters, NetworkModel
from training.systems.base.system import System


def layers(labels: int) -> nn.Module:
    return nn.Sequential({layers}, nn.Flatten(), nn.Linear({width}, labels))


SYSTEM = System(
    name="{name}",
    title="A convolution",
    source="a test",
    claim="none",
    features={features},
    models=(
        NetworkModel(
            layers=layers,
            hyperparameters=NetworkHyperparameters(
                optimiser="adam", learning_rate=0.01, epochs=1, batch_size=16
            ),
        ),
    ),
)
"""
SYSTEMS = {
    "pictures": {
        "features": 'ImageFeatures(of="mfcc", count=13, frames=40)',
        "layers": "nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4)",
        "width": 4 * 3 * 10,
    },
    "vectors": {
        "features": 'PooledFeatures((Part(of="mfcc", count=13), Part(of="mel", count=9)))',
        "layers": "nn.Conv1d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool1d(4)",
        "width": 4 * 5,
    },
}
RENAMED = {"TCN": "TCN-functionals"}  # since the committed one was run
RESULTS = {"display_data", "execute_result"}
LARGEST_PICTURE, LARGEST_NOTEBOOK = 100_000, 2_000_000  # bytes


@pytest.fixture(scope="module")
def shown(
    german: Path, recipes: Path, cache_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> NotebookNode:
    """The notebook, executed on a user's systems and on two with a convolution."""
    folder = tmp_path_factory.mktemp("notebook")
    for recipe in recipes.iterdir():
        (folder / recipe.name).symlink_to(recipe)
    for name, declared in SYSTEMS.items():
        text = CONVOLUTIONS.format(name=name, **declared)
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    command = Command(folder, german, folder, cache_path)
    assert command("compare", "--recipes", "pictures,vectors,sixth,several") == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SER_COMPARISON_OUTPUT_PATH", str(command.output))
        patch.setenv("SER_DATA_SOURCE_PATH", str(german))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        return notebook.execute()


@pytest.fixture(scope="module")
def committed() -> NotebookNode:
    return notebook.read()


def outputs(shown: NotebookNode) -> list[NotebookNode]:
    return [output for cell in shown.cells for output in cell.get("outputs", [])]


def texts(shown: NotebookNode, kind: str) -> list[str]:
    return [output.data[kind] for output in outputs(shown) if kind in output.get("data", {})]


def test_the_tables_have_the_recipes_that_were_run(shown: NotebookNode) -> None:
    tables = texts(shown, "text/markdown")
    (systems,) = (table for table in tables if table.startswith("| system | protocol |"))
    (_, gaps, candidates) = (table for table in tables if table.startswith("| system |"))
    assert re.findall(r"^\| (\w+) \| speaker-separated", systems, re.MULTILINE) == [
        "pictures",
        "vectors",
        "sixth",
        "several",
    ]
    assert "| several |" in gaps
    assert "| several/forest |" in candidates
    (choices,) = (table for table in tables if table.startswith("| recipe | held-out speaker |"))
    assert choices.count("| several |") == 3


def test_the_figures_show_the_filters_and_attributions_of_convolutional_networks(
    shown: NotebookNode,
) -> None:
    descriptions = texts(shown, "text/plain")
    for start in (
        "pictures: filters of the first convolution: 4 of 4",
        "pictures: attribution by time and feature",
        "vectors: attribution by input feature",
        "Confusion matrix of several.",
        "emodb-2s: unseen speakers, random split",
        "Mel spectrograms of one clip of each emotion",
    ):
        assert any(text.startswith(start) for text in descriptions), start
    (example,) = (text for text in descriptions if text.startswith("One clip of "))
    assert "the log-probability that pictures gives to" in example
    pictures = [base64.b64decode(picture) for picture in texts(shown, "image/png")]
    assert len(pictures) == 15
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


def test_every_output_is_a_result(shown: NotebookNode) -> None:
    assert [output for output in outputs(shown) if output.output_type not in RESULTS] == []


def test_the_error_without_results_names_the_command_that_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_COMPARISON_OUTPUT_PATH", str(tmp_path))
    with pytest.raises(ResultsError, match="`python -m training compare` writes it"):
        ComparisonReport.read()


@pytest.mark.parametrize(("network", "frames"), [("CNN", 1), ("TCN", 87)])
def test_the_input_of_this_project_s_networks_is_one_vector_or_all_frames(
    german: Path, tmp_path: Path, network: str, frames: int
) -> None:
    model = onnx.load(ROOT / "models" / f"{network}.onnx")
    facts = {"format": "speech-emotion-recipe/1", "features": '{"shape": "frames"}'}
    onnx.helper.set_model_props(model, facts)
    onnx.save(model, tmp_path / "network.onnx")
    adapted = FrameModel.read(tmp_path / "network.onnx")
    inputs = adapted.frames(min(german.iterdir()))
    assert inputs.shape[1] == 25
    assert 1 <= len(inputs) <= frames
    assert (len(inputs) == 1) == (network == "CNN")
    assert adapted.probabilities(inputs).sum() == pytest.approx(1, abs=1e-5)
    assert adapted.axis == "MFCC"


def test_the_committed_notebook_was_run_from_top_to_bottom(committed: NotebookNode) -> None:
    nbformat.validate(committed)
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(cell.outputs for cell in code)
    assert {output.output_type for output in outputs(committed)} <= RESULTS


def test_the_committed_notebook_shows_every_recipe_of_the_project(committed: NotebookNode) -> None:
    (gaps, _) = (t for t in texts(committed, "text/markdown") if t.startswith("| system | UAR"))
    shown = {
        RENAMED.get(name, name) for name in re.findall(r"^\| ([\w-]+) \| \d", gaps, re.MULTILINE)
    }
    assert shown == {name for name, system in own_systems().items() if system.compared}


def test_the_committed_notebook_is_small_and_has_no_path_of_a_machine(
    committed: NotebookNode,
) -> None:
    content = notebook.PATH.read_text(encoding="utf-8")
    assert len(content) < LARGEST_NOTEBOOK
    assert all(len(base64.b64decode(p)) < LARGEST_PICTURE for p in texts(committed, "image/png"))
    assert not re.search(r"/(home|root|tmp|usr|work|Users)/|iopub\.|/\.venv", content)
