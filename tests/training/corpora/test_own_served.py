"""A corpus of one's own, from recordings to the answer of a server, as docs/corpora.md says."""

import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from configuration import ROOT
from tests.support.harness import Server, running
from tests.training.conftest import write_tone
from training.__main__ import main

pytestmark = pytest.mark.usefixtures("one_process", "nginx")

SPEAKERS = ("anna", "bert", "cleo", "dora", "emil")  # as many as folds
EMOTIONS = {"angry": 200, "happy": 300, "sad": 400}  # hertz
QUICK = ("--epochs=2", "--variants=0", "--seeds=1", "--controls=no", "--cache-path=cache")


def documented_commands() -> list[list[str]]:
    """The arguments of the commands in the section about a corpus of one's own."""
    text = (ROOT / "docs" / "corpora.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Your own corpus")
    commands = re.findall(r"^python -m training (.+)$", section, re.MULTILINE)
    return [shlex.split(command) for command in commands]


def write_recordings(folder: Path) -> None:
    """One clip of each speaker in each emotion, in folders and in a table; one more is a test."""
    rows = ["path,speaker,emotion,split"]
    for emotion, hertz in EMOTIONS.items():
        (folder / "voices" / emotion).mkdir(parents=True)
        for number, speaker in enumerate(SPEAKERS):
            path = f"voices/{emotion}/{speaker}-01.wav"
            write_tone(folder / path, hertz + number)
            rows.append(f"{path},{speaker},{emotion},train")
    write_tone(folder / "fred.aiff", EMOTIONS["sad"] + 10)
    rows.append("fred.aiff,fred,sad,test")
    (folder / "voices.csv").write_text("\n".join(rows), encoding="utf-8")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_process: None) -> tuple[Path, str]:
    """The networks that the documented commands write, and all that these print."""
    folder, printed = tmp_path_factory.mktemp("own"), io.StringIO()
    write_recordings(folder)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.chdir(folder)
        for arguments in documented_commands():
            assert main([*arguments, *QUICK]) == 0
    return folder / "my-models", printed.getvalue()


@pytest.fixture(scope="module")
def models(trained: tuple[Path, str]) -> Path:
    return trained[0]


def test_clips_of_the_test_split_are_measured_apart(trained: tuple[Path, str]) -> None:
    assert "features: 15 recordings of voices in " in trained[1]
    assert "DNN, split test, clips: 1, speakers: 1, seeds: 1" in trained[1]


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("run"), SER_MODELS_DIRECTORY=models) as server:
        yield server


@pytest.mark.parametrize("network", ["DNN", "CNN"])
def test_the_server_predicts_the_emotions_of_an_own_corpus(server: Server, network: str) -> None:
    results = server.predict(network)["results"]
    assert [result["emotionType"] for result in results] == list(EMOTIONS)
    assert sum(result["prediction"] for result in results) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("network", "licence"),
    [("DNN", "not stated"), ("CNN", "CC BY 4.0")],
)
def test_the_network_names_the_corpus_and_its_licence(
    server: Server, network: str, licence: str
) -> None:
    networks = server.client.get("/init/configuration").json()["networks"]
    (found,) = (item for item in networks if item["networkType"] == network)
    assert found["corpus"]["name"] == "voices"
    assert found["corpus"]["licence"] == licence
    assert found["corpus"]["speakers"] == len(SPEAKERS)
    assert found["corpus"]["utterances"] == len(SPEAKERS) * len(EMOTIONS)


@pytest.mark.parametrize(("network", "option"), [("DNN", "./voices.csv"), ("CNN", "./voices")])
def test_a_network_contains_no_path_of_its_trainer(models: Path, network: str, option: str) -> None:
    properties = onnx.load(models / f"{network}.onnx").metadata_props
    training = json.loads(next(item.value for item in properties if item.key == "training"))
    assert f"--corpus {option} " in training["command"]
    assert str(models.parent) not in str(properties)
