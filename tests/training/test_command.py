"""`python -m training`, as a user types it."""

import argparse
import contextlib
import functools
import io
import json
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import pytest

from configuration import ROOT
from server.models.catalog import load_catalog
from tests.support.models.tiny import write_extractor
from tests.training.conftest import ACTORS, clip_name, write_corpus
from training.__main__ import _parser, _run, main
from training.console.epochs import Epoch, Epochs
from training.contract.served_files import PATTERNS, SHIPPED, complete
from training.errors import UserError
from training.systems.registry import own_systems

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
        (["fit", "--device", "gpu"], "device 'gpu'; expected auto, cpu, cuda"),
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


@pytest.mark.parametrize(("last", "others"), [(2, "one other"), (4, "3 others")])
def test_few_speakers_are_a_fold_each_with_a_word_on_its_worth(
    options: list[str],
    synthetic: Path,
    capsys: pytest.CaptureFixture[str],
    last: int,
    others: str,
) -> None:
    keep_speakers(synthetic, last)
    assert main(["evaluate", "--network", "DNN", *options]) == 0
    printed = capsys.readouterr().out
    assert f"DNN, speaker-independent, {last} folds by speaker" in printed
    assert f"of {last} speakers, each heard by a network of {others}" in printed


def without_variants(options: list[str]) -> list[str]:
    """For networks that have no such hyperparameter."""
    return [option for option in options if option != "--variants=0"]


def keep_speakers(corpus: Path, last: int) -> None:
    for actor in ACTORS:
        for path in corpus.glob(f"*-{actor:02d}.wav") if actor > last else ():
            path.unlink()


def test_a_network_that_compares_speakers_needs_more(
    options: list[str], synthetic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_speakers(synthetic, 2)
    assert main(["evaluate", "--network", "DNN-prosody", *without_variants(options)]) == 1
    assert "DNN-prosody: 2 speakers; expected at least 3" in capsys.readouterr().err


def test_many_files_left_out_are_counted_at_the_end(
    options: list[str], synthetic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for actor in (1, 2, 3):
        (synthetic / clip_name(1, actor)).write_bytes(b"RIFF no more")
    assert main(["features", "--network", "DNN", *options]) == 0
    error = capsys.readouterr().err
    assert "warning: 3 of 48 sound files of RAVDESS speech (6%) are left out" in error
    assert "3: not readable as audio" in error


def test_a_corpus_of_which_most_is_left_out_is_an_error(
    options: list[str], synthetic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in synthetic.glob("*-0[1-5]-01-01-01-*.wav"):
        path.rename(path.with_name(f"take {path.name}"))
    (synthetic / "notes.txt").write_text("no sound file")
    assert main(["features", "--network", "DNN", *options]) == 1
    error = capsys.readouterr().err
    assert f"{synthetic}: 30 of 48 sound files of RAVDESS speech (62%) are left out" in error
    assert "at least half must be usable" in error


def test_copies_and_emotions_left_out_on_purpose_are_no_loss(
    options: list[str], synthetic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(synthetic, synthetic / "copy")
    assert main(["features", "--network", "DNN", *options]) == 0
    assert "48 files left out" in capsys.readouterr().out
    assert main(["features", "--network", "DNN", *options]) == 0
    assert capsys.readouterr().err == ""


def test_every_option_has_a_description_and_a_default() -> None:
    for action in _actions():
        assert action.help
        is_exempt = isinstance(action, argparse._HelpAction) or not action.option_strings
        assert is_exempt or "default" in action.help, action.option_strings


def _actions() -> list[argparse.Action]:
    (commands,) = (a for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    return [action for parser in commands.choices.values() for action in parser._actions]


def test_the_help_shows_the_defaults_of_the_networks(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "96 (TCN, TCN-ensemble), 50 (TCN-functionals)" in printed
    assert "default: ravdess cremad nemo emodb-2s" in printed


def test_an_option_wins_over_the_variable(
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SER_TRAINING_EPOCHS", "0")
    assert main(["fit", "--network", "DNN", *options]) == 0
    assert "fitted for 2 epochs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("network", "number"),
    [("DNN", signal.SIGINT), ("TCN", signal.SIGINT), ("TCN", signal.SIGKILL)],
)
def test_a_stopped_fit_is_resumed(
    options: list[str],
    synthetic: Path,
    capsys: pytest.CaptureFixture[str],
    network: str,
    number: signal.Signals,
) -> None:
    keep_speakers(synthetic, 2)
    own = without_variants(options) if network == "TCN" else options
    arguments = ["fit", "--network", network, *own, "--epochs=60"]
    checkpoint = synthetic.parent / "cache" / "checkpoints" / "ravdess" / f"{network}.pt"
    status, error = stopped(arguments, checkpoint, number)
    assert status == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in error
    assert ("--resume" in error) == (number == signal.SIGINT)
    assert main([*arguments, "--resume"]) == 0
    printed = capsys.readouterr().out
    continued = re.search(rf"{network}: continued after epoch (\d+) of 60", printed)
    assert continued
    assert int(continued[1]) > 0


def stopped(arguments: list[str], checkpoint: Path, number: signal.Signals) -> tuple[int, str]:
    """Status and errors of a fit that a signal ends after its first epoch."""
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
    deadline = time.monotonic() + 480  # on a busy machine, PyTorch is imported for minutes
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert checkpoint.exists()
    return process.returncode, error


def test_a_fit_writes_curves_for_tensorboard(options: list[str], tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    assert main(["fit", "--network", "DNN", *options, f"--log-dir={logs}"]) == 0
    (file,) = (logs / "DNN" / "fit").iterdir()
    points = list(scalars(file.read_bytes()))
    assert [(name, step) for name, step, _ in points] == [("loss", 1), ("loss", 2)]
    assert all(value > 0 for _, _, value in points)


def test_an_evaluation_writes_curves_for_tensorboard(
    options: list[str], synthetic: Path, tmp_path: Path
) -> None:
    keep_speakers(synthetic, 2)
    logs = tmp_path / "logs"
    assert main(["evaluate", "--network", "DNN", *options, f"--log-dir={logs}"]) == 0
    files = {path.parent.name: path for path in logs.rglob("*") if path.is_file()}
    assert files.keys() == {"new-speakers", "seed-1-fold-1", "seed-1-fold-2"}
    (recall, *_) = scalars(files["new-speakers"].read_bytes())
    assert recall[:2] == ("recall_by_fold", 1)


def scalars(content: bytes) -> Iterator[tuple[str, int, float]]:
    """Name, step and value of the points of an event file: records with a length before each."""
    from tensorboardX.proto.event_pb2 import Event

    while content:
        (length,) = struct.unpack("<Q", content[:8])
        event = Event.FromString(content[12 : 12 + length])
        content = content[16 + length :]
        for value in event.summary.value:
            yield value.tag, event.step, value.simple_value


def test_epochs_are_counted_for_each_member_as_the_option_says() -> None:
    (model,) = own_systems()["TCN-functionals"].models
    epochs = Epochs.of(model)
    assert str(epochs) == "50 epochs for each of 3 members, and 120 for the heads together"
    assert epochs.at(50) == Epoch(50, "member 1 of 3", 50, 50)
    assert epochs.at(51) == Epoch(51, "member 2 of 3", 1, 50)
    assert epochs.at(151) == Epoch(151, "heads", 1, 120)
    (model,) = own_systems()["TCN"].models
    assert str(Epochs.of(model)) == "96 epochs"


@pytest.mark.parametrize("target", ["train", "train-open", "train-german"])
def test_make_gives_each_network_hyperparameters_that_it_has(target: str) -> None:
    make = ("make", "--dry-run", "--assume-old=.venv-dev", target)
    lines = subprocess.run(make, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = re.findall(r"-m training ((?:fit|export|report) [^&\n]*)", lines.replace("\\\n", ""))
    assert len(found) > 1
    for arguments in found:
        assert _run(_parser().parse_args(arguments.split())).trainers
