"""A TCN of two corpora, from recordings to the answer of a server."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.support.harness import Server, running
from tests.support.models.shipped import copy_features
from tests.training.conftest import write_tone
from training.__main__ import main
from training.corpora.reader import EMOTIONS
from training.protocols import conditions

pytestmark = pytest.mark.usefixtures("one_process", "nginx")

SPEAKERS = range(1, 4)
RAVDESS_EMOTIONS = (1, 2, 5)  # neutral, calm, angry
CREMAD_EMOTIONS = ("ANG", "NEU", "SAD")
LABELS = list(EMOTIONS)
INPUTS = ["frames", "lengths", "prosody", "baseline"]


def write_corpora(folder: Path) -> None:
    """A tone for each emotion and speaker, and two recorded noises: one for fits, one for tests."""
    for key in ("ravdess", "cremad", "noise"):
        (folder / key).mkdir(parents=True)
    for speaker in SPEAKERS:
        for emotion in RAVDESS_EMOTIONS:
            name = f"03-01-{emotion:02d}-01-01-01-{speaker:02d}.wav"
            write_tone(folder / "ravdess" / name, 100 * emotion + speaker)
        for number, code in enumerate(CREMAD_EMOTIONS, 1):
            name = f"10{speaker:02d}_DFA_{code}_XX.wav"
            write_tone(folder / "cremad" / name, 130 * number + 10 * speaker)
    for number in (1, 2):
        write_tone(folder / "noise" / f"hum-{number}.wav", 50 * number)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, one_process: None) -> Path:
    """The folder of the exported network, and of what a server needs beside it."""
    folder = tmp_path_factory.mktemp("several")
    write_corpora(folder / "data")
    paths = {"corpora": folder / "data", "cache": folder / "cache", "models": folder / "models"}
    options = ["--network=TCN", "--epochs=1", "--seeds=1", "--corpus", "ravdess", "cremad"]
    options += [f"--{name}-path={path}" for name, path in paths.items()]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setattr(conditions, "MOST", 9)  # clips of each corpus
        for command in ("fit", "export"):
            assert main([command, *options]) == 0
    copy_features(folder / "models")
    return folder / "models"


def test_the_file_takes_prosody_and_a_baseline(models: Path) -> None:
    model = onnx.load(models / "TCN.onnx")
    facts = {item.key: item.value for item in model.metadata_props}
    assert facts["format"] == "speech-emotion-network/3"
    assert json.loads(facts["labels"]) == LABELS
    assert [node.name for node in model.graph.input] == INPUTS
    assert [node.name for node in model.graph.output][-1] == "baseline_distance"
    assert json.loads(facts["training"])["settings"]["noises"] == ["hum-1.wav"]
    metrics = json.loads(facts["metrics"])
    for protocol in ("newSpeakers", "otherCorpora"):
        found = metrics[protocol]
        assert all(0 <= found[figure] <= 1 for figure in ("uar", "mfccsUar", "baselineUar"))
        assert [corpus["name"] for corpus in found["corpora"]] == ["RAVDESS speech", "CREMA-D"]


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("run"), SER_MODELS_DIRECTORY=models) as server:
        yield server


def test_the_server_answers_each_form_of_request(server: Server) -> None:
    random = np.random.default_rng(0)
    frames = random.normal(0, 10, (40, 25)).tolist()
    prosody = [[2.5, 0.9, -20.0], [0.0, 0.2, -30.0]] * 20
    parts = {"mfccs": {"mean": [1.0] * 25, "spread": [1.0] * 25}}
    parts["prosody"] = {"mean": [2.4, 0.6, -25.0], "spread": [0.1, 0.1, 3.0]}
    baseline = {"clips": 10, **parts}
    answers = []
    for more in ({}, {"prosody": prosody}, {"prosody": prosody, "baseline": baseline}):
        response = server.client.post("/prediction/TCN", json={"mfccs": frames, **more})
        assert response.status_code == 200, response.text
        results: list[dict[str, Any]] = response.json()["results"]
        assert [result["emotionType"] for result in results] == LABELS
        answers.append([result["prediction"] for result in results])
        assert sum(answers[-1]) == pytest.approx(1, abs=1e-5)
    assert answers[0] != answers[1] != answers[2]


def test_the_handshake_gives_the_figures_of_both_protocols(server: Server) -> None:
    (network,) = server.client.get("/init/configuration").json()["networks"]
    for protocol in ("newSpeakers", "otherCorpora"):
        assert 0 <= network[protocol]["uar"] <= 1
