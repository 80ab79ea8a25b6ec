"""`python -m training`, as a user types it."""

import contextlib
import functools
import io
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import pytest

from configuration import ROOT
from server.models.catalog import load_catalog
from tests.support.tiny_models import write_extractor
from tests.training.conftest import ACTORS, clip_name, write_corpus
from training.__main__ import main
from training.contract.served_files import PATTERNS, SHIPPED, complete
from training.errors import UserError

pytestmark = pytest.mark.usefixtures("one_process")

QUICK = ("--epochs=2", "--variants=0", "--seeds=1", "--controls=no")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is found by content, and kept from test to test."""
    folder = tmp_path_factory.mktemp("shared")
    for kind in ("features", "spectra"):
        (folder / kind).mkdir()
    return folder


@pytest.fixture
def options(synthetic: Path, tmp_path: Path, shared: Path) -> list[str]:
    """Checkpoints and outcomes are those of one test alone."""
    (tmp_path / "cache").mkdir()
    for kind in shared.iterdir():
        (tmp_path / "cache" / kind.name).symlink_to(kind)
    return [*QUICK, *folders(synthetic, tmp_path)]


@pytest.fixture
def folds(tmp_path: Path) -> Path:
    """Three: the fewest fits."""
    return three_folds(tmp_path)


def three_folds(folder: Path) -> Path:
    path = folder / "folds.csv"
    lines = ["speaker,fold", *(f"{actor:02d},{actor % 3}" for actor in ACTORS)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def folders(source: Path, folder: Path) -> list[str]:
    """The options for the recordings, and for a cache and models in a folder."""
    paths = {"source": source, "cache": folder / "cache", "models": folder / "models"}
    return ["--corpus=ravdess", *(f"--{name}-path={path}" for name, path in paths.items())]


@dataclass(frozen=True)
class Exported:
    """What the commands from recordings to a network printed and wrote."""

    network: str
    folder: Path
    printed: str

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def training(self) -> dict[str, Any]:
        properties = onnx.load(self.models / f"{self.network}.onnx").metadata_props
        found: dict[str, Any] = json.loads(
            next(item.value for item in properties if item.key == "training")
        )
        return found


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Exported:
    """The most general network, from recordings that were not read before to its file."""
    folder, network, printed = tmp_path_factory.mktemp("exported"), "TCN-functionals", io.StringIO()
    write_corpus(folder / "corpus")
    (folder / "cache").mkdir()
    (folder / "cache" / "spectra").symlink_to(shared / "spectra")
    options = [*QUICK, *folders(folder / "corpus", folder), "--network", network]
    heads = ["--functionals-heads=2", "--frame-epochs=1", f"--folds={three_folds(folder)}"]
    with contextlib.redirect_stdout(printed):
        for command in ("features", "fit", "export"):
            assert main([command, *options, *heads]) == 0
    return Exported(network, folder, printed.getvalue())


def test_from_recordings_to_networks_and_their_card(exported: Exported) -> None:
    assert "48 extracted, 0 already in the cache, 0 files left out" in exported.printed
    assert "0 extracted, 48 already in the cache" in exported.printed
    written = {path.name for path in exported.models.iterdir()}
    files = [path.name for pattern in PATTERNS for path in SHIPPED.glob(pattern)]
    assert len(files) == 13
    assert written == {f"{exported.network}.onnx", "README.md", "networks.svg", *files}
    assert "extractors and reference clips: 13 files copied from " in exported.printed
    assert exported.training["settings"]["epochs"] == 1
    assert str(exported.folder) not in json.dumps(exported.training)


def test_an_exported_folder_can_be_served_at_once(exported: Exported) -> None:
    catalog = load_catalog(exported.models, run_extractors=False)
    assert (catalog.names, dict(catalog.faults)) == ([exported.network], {})


def test_a_folder_keeps_its_own_extractor(tmp_path: Path) -> None:
    (tmp_path / "mfcc.onnx").write_bytes(b"its own")
    assert complete(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["mfcc.onnx"]


@pytest.mark.parametrize("recipe", [None, {"nMfcc": 13}])
def test_an_extractor_of_another_recipe_is_not_copied(
    tmp_path: Path, recipe: dict[str, int] | None
) -> None:
    if recipe:
        write_extractor(tmp_path, recipe=recipe)
    with pytest.raises(UserError, match=r"another feature recipe.* --models-path .*fresh"):
        complete(tmp_path / "fresh", tmp_path)
    assert not (tmp_path / "fresh").exists()


def test_the_export_names_the_heads_that_were_asked_for(exported: Exported) -> None:
    assert exported.training["settings"]["functionals_heads"] == 2
    assert "--functionals-heads 2" in exported.training["command"]


def test_evaluate_prints_the_tables_of_one_network(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--network", "DNN", *options, "--controls=yes"]) == 0
    printed = capsys.readouterr().out
    assert "DNN, speaker-independent, 5 folds by speaker, seeds: 1" in printed
    for word in ("unweighted average recall", "confusion", "fearful", "babble 0 dB"):
        assert word in printed
    assert "(inflated: every speaker is known from training)" in printed
    assert "CNN" not in printed


def test_files_left_out_are_named_and_counted(
    options: list[str],
    synthetic: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And in a pool, through which the reasons come back."""
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT")
    (synthetic / clip_name(1, 1)).write_bytes(b"RIFF no more")
    (synthetic / "holiday.wav").write_bytes(b"?")
    own_cache = ["--cache-path", str(tmp_path / "own-cache")]
    assert main(["features", "--network", "DNN", *options, *own_cache]) == 0
    printed = capsys.readouterr().out
    assert "features: 47 recordings of RAVDESS speech" in printed
    assert "2 files left out" in printed
    assert f"left out: {clip_name(1, 1)}: not readable as audio" in printed
    assert "left out: holiday.wav: unexpected file name" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["features", "--source-path", "/nowhere"], "/nowhere: no such folder"),
        (
            ["features", "--corpus", "iemocap"],
            "'iemocap': no such corpus; known: cremad, emodb, emodb-2s, emovo, nemo, ravdess",
        ),
        (["fit", "--epochs", "many"], "--epochs: 'many' is not a whole number"),
        (["fit", "--dropout", "2"], "--dropout: 2.0 is too large; expected at most 0.95"),
        (["fit", "--weight-decay", "inf"], "--weight-decay: inf is not a finite number"),
        (["fit", "--network", "DNN", "--weight-decay", "1e38"], "the loss of epoch"),
        (
            ["fit", "--network", "TCN", "--noise", "0.2"],
            "noise = 0.2: TCN has no such hyperparameter; it has epochs, batch_size",
        ),
        (["fit", "--functionals-heads", "2"], "functionals_heads = 2: CNN has no such"),
        (
            ["fit", "--network", "CNN", "--frame-epochs", "2"],
            "frame_epochs = 2: CNN has no such hyperparameter",
        ),
        (
            ["fit", "--network", "TCN", "--variants", "3"],
            "variants = 3: TCN has no such hyperparameter",
        ),
        (["features", "--cache-path", "/proc/none"], "/proc/none"),
        (["export", *QUICK], "no such checkpoint; make one with: python -m training fit"),
    ],
)
def test_what_a_user_got_wrong_is_said_without_a_traceback(
    options: list[str],
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command, *rest = arguments
    assert main([command, *options, *rest]) == 1
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("error: ")
    assert message in error


def test_anyone_elses_folds_are_taken(
    options: list[str], folds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "--network", "DNN", *options, f"--folds={folds}"]
    assert main(arguments) == 0
    assert "3 folds by speaker" in capsys.readouterr().out
    folds.write_text(f"{folds.read_text(encoding='utf-8')}\n11,1", encoding="utf-8")
    assert main(arguments) == 1
    assert f"{folds}: speakers not in the corpus: 11" in capsys.readouterr().err


def test_too_few_speakers_are_an_error(
    options: list[str], synthetic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in synthetic.glob("*-01-01-01-*[3-9].wav"):
        path.unlink()
    assert main(["evaluate", *options]) == 1
    assert "2 speakers (02, 01); expected at least 5" in capsys.readouterr().err


def test_an_option_wins_over_the_variable(
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SER_TRAINING_EPOCHS", "0")
    assert main(["fit", "--network", "DNN", *options]) == 0
    assert "fitted for 2 epochs" in capsys.readouterr().out


def test_a_stopped_fit_is_resumed(options: list[str], tmp_path: Path) -> None:
    arguments = ["fit", "--network", "DNN", *options, "--epochs", "400"]
    checkpoint = tmp_path / "cache" / "checkpoints" / "ravdess" / "DNN.pt"
    process = subprocess.Popen(
        [sys.executable, "-m", "training", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background may have switched Ctrl-C off for all below.
        preexec_fn=functools.partial(  # noqa: PLW1509  # no thread runs here
            signal.signal, signal.SIGINT, signal.SIG_DFL
        ),
    )
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in error) == (130, False)
    assert "--resume" in error
    assert main([*arguments, "--resume"]) == 0
