"""`python -m training compare` and `predict`, as a user types them."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from tests.support.models.shipped import metadata_of
from tests.training.comparison.conftest import SIXTH, Command
from training.__main__ import main
from training.features.descriptors import compute
from training.features.loading import load_audio
from training.report import tables
from training.report.comparison import Comparison, ResultsError
from training.systems.registry import find_systems

pytestmark = pytest.mark.usefixtures("one_process")

WILD = SIXTH.replace('"adam"', '"sgd"').replace("0.01", "1e38").replace('"sixth"', '"wild"')
SYSTEMS = ["sixth", "several/regression", "several/forest", "several/boosting", "several"]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_system_of_a_users_own_is_in_every_table(compared: Command) -> None:
    results = json.loads((compared.output / "results.json").read_text(encoding="utf-8"))
    assert results["corpus"]["name"] == "emodb-2s"
    assert [system["system"] for system in results["systems"]] == SYSTEMS
    for system in results["systems"]:
        assert system["protocols"].keys() == {"speaker-separated", "random"}
        assert min(system["parameters"], system["latencyMilliseconds"]) > 0
    assert {row["system"] for row in rows(compared.output / "emotions.csv")} == {*SYSTEMS}
    assert "| several |" in (compared.output / "comparison.md").read_text(encoding="utf-8")


def test_figures_are_those_of_the_predictions(compared: Command) -> None:
    results = json.loads((compared.output / "results.json").read_text(encoding="utf-8"))
    figures = results["systems"][0]["protocols"]["speaker-separated"]
    said = [
        row
        for row in rows(compared.output / "predictions.csv")
        if (row["system"], row["protocol"]) == ("sixth", "speaker-separated")
    ]
    labels = results["labels"]
    right = [max(labels, key=lambda label: float(row[label])) == row["emotion"] for row in said]
    assert len(said) == sum(map(sum, figures["confusion"]))
    assert figures["pooled"]["accuracy"] == pytest.approx(np.mean(right), abs=0.03)  # rounding


def test_the_speakers_of_a_fold_are_held_out_together(compared: Command) -> None:
    results = json.loads((compared.output / "results.json").read_text(encoding="utf-8"))
    assert results["folds"] == [["10"], ["11"], ["14"]]


def test_each_fold_chooses_among_the_models_of_a_system(compared: Command) -> None:
    results = json.loads((compared.output / "results.json").read_text(encoding="utf-8"))
    chosen = results["systems"][-1]["protocols"]["speaker-separated"]["chosen"]
    assert len(chosen) == 3
    assert set(chosen) <= {"regression", "forest", "boosting"}


def test_plots_show_the_corpus_the_confusions_and_the_gap(compared: Command) -> None:
    plots = {path.stem for path in (compared.output / "plots").glob("*.svg")}
    corpus = {"emotions", "lengths", "speakers", "waveforms", "spectrograms"}
    assert {"gap", "confusion-sixth"} | {f"corpus-{name}" for name in corpus} <= plots
    assert "several/forest" in (compared.output / "comparison.html").read_text(encoding="utf-8")


def test_what_was_done_is_not_done_again(
    compared: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    before, files = compared.outcomes(), (compared.output / "models" / "sixth.onnx").stat()
    assert compared("compare", "--recipes", "sixth,several") == 0
    assert compared.outcomes() == before
    assert (compared.output / "models" / "sixth.onnx").stat().st_mtime_ns == files.st_mtime_ns
    assert "sixth" in capsys.readouterr().out


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_exported_system_describes_itself(compared: Command, system: str) -> None:
    path = compared.output / "models" / f"{system}.onnx"
    properties = metadata_of(path)
    assert properties["format"] == "speech-emotion-recipe/1"
    assert json.loads(properties["labels"])[0] == "angry"
    session = onnxruntime.InferenceSession(path)
    width = session.get_inputs()[0].shape[1]
    zeros = np.zeros((2, width), np.float32)
    (probabilities,) = session.run(["probabilities"], {"features": zeros})
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_an_utterance_is_predicted_by_its_name_and_by_its_file(
    compared: Command, german: Path, recipes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = min(german.glob("*"))
    assert compared("predict", "--recipe", "sixth", clip.stem) == 0
    by_name = capsys.readouterr().out
    assert compared("predict", "--recipe", "sixth", str(clip)) == 0
    assert capsys.readouterr().out == by_name
    session = onnxruntime.InferenceSession(compared.output / "models" / "sixth.onnx")
    vector = compute(find_systems(recipes)["sixth"].features, load_audio(clip))
    (probabilities,) = session.run(["probabilities"], {"features": vector[None]})
    first, *lines = by_name.splitlines()
    assert len(lines) == 7
    assert first == f"{clip.name}: {lines[0].split()[0]}"
    assert float(lines[0].split()[1]) == pytest.approx(probabilities.max(), abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "--recipe", "sixth", "03a01Fa"], "'03a01Fa': neither a file nor one of"),
        (["predict", "--recipe", "seventh", "10a01Wa"], "'seventh': no such recipe; known: CNN"),
        (
            ["predict", "--recipe", "DNN", "10a01Wa"],
            "DNN.onnx: no such file; make it with: python -m training compare --recipes DNN",
        ),
        (
            ["compare", "--recipes", "seventh"],
            "'seventh': no such recipe; known: CNN, DNN, DNN-prosody, TCN",
        ),
        (["compare", "--folds", "2"], "--folds: 2 is too small; expected at least 3"),
    ],
)
def test_what_a_user_got_wrong_is_one_line(
    compared: Command,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command, *rest = arguments
    assert compared(command, *rest) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_a_file_that_is_no_audio_is_one_line(
    compared: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.wav").write_text("?")
    assert compared("predict", "--recipe", "sixth", str(tmp_path / "notes.wav")) == 1
    assert "notes.wav: not readable as audio" in capsys.readouterr().err


def test_folds_by_speaker_need_three_speakers(
    german: Path, recipes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    for clip in german.glob("10*"):
        (alone / clip.name).symlink_to(clip.resolve())
    assert Command(tmp_path, alone, recipes)("compare", "--recipes", "sixth") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: 1 speaker (10); folds by speaker need at least 3"


def test_an_empty_corpus_is_one_line(
    recipes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert Command(tmp_path, tmp_path / "empty", recipes)("compare", "--recipes", "sixth") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "no usable recording" in line


def test_a_file_that_cannot_be_imported_leaves_what_was_fitted(
    compared: Command, recipes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "recipes"
    shutil.copytree(recipes, folder)
    wrong = SIXTH.replace("batch_size=16", "bach_size=16").replace('"sixth"', '"wrong"')
    (folder / "wrong.py").write_text(wrong, encoding="utf-8")
    before = compared.outcomes()
    options = [*compared.options, f"--recipes-path={folder}"]  # the last one counts
    assert main(["compare", "--recipes", "sixth,wrong", *options]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"error: {folder / 'wrong.py'}: TypeError: " in line
    assert "unexpected keyword argument 'bach_size'" in line
    assert compared.outcomes() == before
    assert (compared.output / "models" / "sixth.onnx").exists()


def test_a_system_that_diverges_leaves_the_others_their_turn(
    compared: Command, recipes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "recipes"
    shutil.copytree(recipes, folder)
    (folder / "wild.py").write_text(WILD, encoding="utf-8")
    before, output = compared.outcomes(), tmp_path / "output"
    options = [*compared.options, f"--recipes-path={folder}", f"--output-path={output}"]
    assert main(["compare", "--recipes", "wild,sixth", *options]) == 1
    told = capsys.readouterr()
    *_, line = told.err.splitlines()
    assert line.startswith("error: wild: the loss of epoch ")
    assert "; wild failed: the loss of epoch " in told.out
    found = Comparison.read(output)
    assert [result.system for result in found.results] == ["sixth"]
    assert list(found.failed) == ["wild"]
    assert (output / "models" / "sixth.onnx").exists()
    assert compared.outcomes() == before  # fits of the other are not made again


def test_where_every_system_diverges_earlier_results_stay(
    compared: Command, recipes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wild.py").write_text(WILD, encoding="utf-8")
    before = (compared.output / "results.json").read_bytes()
    options = [*compared.options, f"--recipes-path={tmp_path}"]
    assert main(["compare", "--recipes", "wild", *options]) == 1
    assert "error: wild: the loss of epoch " in capsys.readouterr().err
    assert (compared.output / "results.json").read_bytes() == before


def test_results_are_read_as_they_were_written(compared: Command, tmp_path: Path) -> None:
    found = Comparison.read(compared.output)
    found.write(tmp_path)
    assert Comparison.read(tmp_path) == found
    assert found.corpus.option == "emodb-2s"


def test_the_recall_of_a_system_is_the_mean_of_its_speakers(compared: Command) -> None:
    found = Comparison.read(compared.output)
    head, *by_speaker = tables.speakers(found)
    recalls = {row[0]: float(row[1]) for row in tables.gaps(found)[1:]}
    assert head[1:] == ("10", "11", "14")
    assert {name for name, *_ in by_speaker} == {*SYSTEMS}
    for name, *cells in by_speaker:
        assert np.mean(list(map(float, cells))) == pytest.approx(recalls[name], abs=0.11)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory; `python -m training compare` writes it"),
        ("{}", "missing required field `corpus`; `python -m training compare` writes it"),
    ],
)
def test_results_that_cannot_be_read_name_the_command_for_them(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(ResultsError, match=message):
        Comparison.read(tmp_path)


def test_numbers_of_the_table_are_numbers_in_its_csv(compared: Command) -> None:
    found = rows(compared.output / "systems.csv")
    assert len(found) == 2 * len(SYSTEMS)
    assert all(0 <= float(row["uar mean"]) <= 1 for row in found)
    assert all(float(row["uar deviation"]) >= 0 for row in found)
