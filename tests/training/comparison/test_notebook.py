"""docs/Report_SER.ipynb: run on a small comparison, and kept as it was run on a large one."""

import base64
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.training.comparison import notebook
from tests.training.comparison.conftest import Command
from training.comparison.report import Report
from training.comparison.results import ResultsError
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
    module=__name__,
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
def shown(german: Path, recipes: Path, tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """The notebook, run on the user's own systems and on two that have a convolution."""
    folder = tmp_path_factory.mktemp("notebook")
    for recipe in recipes.iterdir():
        (folder / recipe.name).symlink_to(recipe)
    for name, declared in SYSTEMS.items():
        text = CONVOLUTIONS.format(name=name, **declared)
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    command = Command(folder, german, folder)
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
    (choices,) = (table for table in tables if table.startswith("| recipe | speaker left out |"))
    assert choices.count("| several |") == 3


def test_the_plots_show_the_filters_and_the_saliency_of_the_convolutions(
    shown: NotebookNode,
) -> None:
    told = texts(shown, "text/plain")
    for start in (
        "pictures: filters of the first convolution: 4 of 4",
        "pictures: saliency of one clip, heard as",
        "pictures: what it listens to, by time and coefficient",
        "vectors: what it listens to, by coefficient",
        "Confusion matrix of several.",
        "emodb-2s: what a random split promises",
        "Mel spectrograms of one clip of each emotion",
    ):
        assert any(text.startswith(start) for text in told), start
    pictures = [base64.b64decode(picture) for picture in texts(shown, "image/png")]
    assert len(pictures) == 15
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


def test_it_says_nothing_but_its_results(shown: NotebookNode) -> None:
    assert [output for output in outputs(shown) if output.output_type not in RESULTS] == []


def test_where_there_are_no_results_it_says_which_command_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_COMPARISON_OUTPUT_PATH", str(tmp_path))
    with pytest.raises(ResultsError, match="`python -m training compare` writes it"):
        Report.read()


def test_the_committed_one_was_run_from_top_to_bottom(committed: NotebookNode) -> None:
    nbformat.validate(committed)
    code = [cell for cell in committed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(cell.outputs for cell in code)
    assert {output.output_type for output in outputs(committed)} <= RESULTS


def test_the_committed_one_shows_every_recipe_of_the_project(committed: NotebookNode) -> None:
    (gaps, _) = (t for t in texts(committed, "text/markdown") if t.startswith("| system | UAR"))
    shown = {
        RENAMED.get(name, name) for name in re.findall(r"^\| ([\w-]+) \| \d", gaps, re.MULTILINE)
    }
    assert shown == {name for name, system in own_systems().items() if system.compared}


def test_the_committed_one_is_small_and_has_no_trace_of_a_machine(committed: NotebookNode) -> None:
    content = notebook.PATH.read_text(encoding="utf-8")
    assert len(content) < LARGEST_NOTEBOOK
    assert all(len(base64.b64decode(p)) < LARGEST_PICTURE for p in texts(committed, "image/png"))
    assert not re.search(r"/(home|root|tmp|usr|work|Users)/|iopub\.|/\.venv", content)
