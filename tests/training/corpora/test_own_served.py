"""A corpus of one's own, from recordings to the answer of a running server."""

import json
from collections.abc import Iterator, Sequence
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
QUICK = ("--network=DNN", "--epochs=2", "--variants=0", "--seeds=1", "--controls=no")
PATTERN = r"/([a-z]+)\.\w+$"


def write_recordings(folder: Path) -> list[str]:
    """One clip of each speaker in each emotion, as EMOTION/SPEAKER.flac; returns the rows."""
    rows = []
    for emotion, hertz in EMOTIONS.items():
        (folder / emotion).mkdir(parents=True)
        for number, speaker in enumerate(SPEAKERS):
            name = f"{emotion}/{speaker}.flac"
            write_tone(folder / name, hertz + number)
            rows.append(f"{name},{speaker},{emotion}")
    return rows


def run(corpus: Path, folder: Path, commands: Sequence[str], *options: str) -> Path:
    """From recordings to a network; returns its file."""
    given = [*QUICK, f"--cache-path={folder / 'cache'}", f"--models-path={folder / 'models'}"]
    for command in commands:
        assert main([command, *given, "--corpus", str(corpus), *options]) == 0
    return folder / "models" / "DNN.onnx"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, one_process: None) -> Path:
    """A network from a table, one from folders, and the extractor that both need."""
    folder, served = tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("models")
    rows = [f"{row},train" for row in write_recordings(folder / "voices")]
    write_tone(folder / "voices" / "fred.flac", EMOTIONS["sad"] + 10)
    rows.append("fred.flac,fred,sad,test")
    table = folder / "voices" / "table.csv"
    table.write_text("\n".join(["path,speaker,emotion,split", *rows]), encoding="utf-8")
    run(table, folder, ("fit", "export", "evaluate")).rename(served / "DNN.onnx")
    table.unlink()
    options = ("--speaker-pattern", PATTERN, "--licence", "CC0 1.0")
    run(folder / "voices", folder, ("fit", "export"), *options).rename(served / "DNN-folders.onnx")
    for name in ("mfcc.onnx", "reference.wav"):
        (served / name).symlink_to(ROOT / "models" / name)
    return served


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("run"), SER_MODELS_DIRECTORY=models) as server:
        yield server


@pytest.mark.parametrize("network", ["DNN", "DNN-folders"])
def test_the_server_predicts_the_emotions_of_an_own_corpus(server: Server, network: str) -> None:
    results = server.predict(network)["results"]
    assert [result["emotionType"] for result in results] == list(EMOTIONS)
    assert sum(result["prediction"] for result in results) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("network", "name", "licence"),
    [("DNN", "table", "not stated"), ("DNN-folders", "voices", "CC0 1.0")],
)
def test_the_network_names_the_corpus_and_its_licence(
    server: Server, network: str, name: str, licence: str
) -> None:
    networks = server.client.get("/init/configuration").json()["networks"]
    (found,) = (item for item in networks if item["networkType"] == network)
    assert found["corpus"]["name"] == name
    assert found["corpus"]["licence"] == licence
    assert found["corpus"]["speakers"] == len(SPEAKERS)
    assert found["corpus"]["utterances"] == len(SPEAKERS) * len(EMOTIONS)


@pytest.mark.parametrize(
    ("network", "option"), [("DNN", "./table.csv"), ("DNN-folders", "./voices")]
)
def test_a_network_contains_no_path_of_its_trainer(models: Path, network: str, option: str) -> None:
    properties = onnx.load(models / f"{network}.onnx").metadata_props
    training = json.loads(next(item.value for item in properties if item.key == "training"))
    assert f"--corpus {option} " in training["command"]
    assert str(models.parent) not in str(properties)
