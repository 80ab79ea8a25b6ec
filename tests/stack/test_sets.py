"""German networks beside the others in one server: every way that names a network."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.support.harness import DEADLINE, EMOTION, MFCCS, Server, free_port, running
from tests.support.inference import binary_request, probabilities
from tests.support.metrics import samples, value
from tests.support.models.shipped import copy_sets
from tests.support.sounds import tone, write

GENERAL = ("CNN", "DNN", "DNN-prosody", "TCN", "TCN-ensemble")
GERMAN = ("German-CNN", "German-DNN", "German-TCN")
GERMAN_EMOTIONS = ["angry", "bored", "disgust", "fearful", "happy", "neutral", "sad"]
FOREIGN = [[1e5] * 25] * 20


@pytest.fixture(scope="module")
def operator_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(
    nginx: Path, operator_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of the two models directories of the project, laid out as in the guide."""
    sets = copy_sets(tmp_path_factory.mktemp("sets") / "sets")
    settings = {"SER_MODELS_DIRECTORY": sets, "SER_SERVER_OPERATOR_PORT": operator_port}
    with running(tmp_path_factory.mktemp("run"), **settings) as server:
        yield server


def emotions(server: Server, path: str) -> list[str]:
    answer = server.client.post(path, json={"mfccs": [MFCCS] * 20})
    assert answer.status_code == 200, answer.text
    return [result["emotionType"] for result in answer.json()["results"]]


def test_one_handshake_has_every_network_with_its_labels(server: Server) -> None:
    networks = server.client.get("/init/configuration").json()["networks"]
    by_name = {network["networkType"]: network["emotions"] for network in networks}
    assert sorted(by_name) == sorted((*GENERAL, *GERMAN))
    assert all(by_name[name] == GERMAN_EMOTIONS for name in GERMAN)
    assert "bored" not in by_name["TCN"]
    assert server.client.get("/readyz").json()["networks"] == list(by_name)


@pytest.mark.parametrize("name", ["German-TCN", "german-tcn", "GERMAN-TCN"])
def test_a_network_of_a_set_is_found_ignoring_case(server: Server, name: str) -> None:
    assert emotions(server, f"/prediction/{name}") == GERMAN_EMOTIONS


def test_names_without_a_folder_stay_those_of_the_directory(server: Server) -> None:
    assert "bored" not in emotions(server, "/prediction/TCN")


def test_warnings_are_counted_with_the_name_of_the_network(
    server: Server, operator_port: int
) -> None:
    warning = server.client.post("/prediction/German-TCN", json={"mfccs": FOREIGN}).json()
    code = warning["warning"]["code"]
    found = samples(httpx.get(f"http://127.0.0.1:{operator_port}/metrics").text)
    assert value(found, "warnings_total", network="German-TCN", code=code) >= 1
    info = [dict(labels) for name, labels in found if name == "network_info"]
    assert {row["network"] for row in info} == {*GENERAL, *GERMAN}


def test_the_open_inference_protocol_has_the_network(server: Server) -> None:
    path = "/v2/models/German-DNN"
    assert server.client.get(path).json()["name"] == "German-DNN"
    vectors = np.array([MFCCS] * 3, dtype=np.float32)
    answer = server.client.post(f"{path}/infer", **binary_request(("mfccs", "FP32", vectors)))
    assert probabilities(answer).shape == (3, len(GERMAN_EMOTIONS))


def test_the_command_predicts_with_the_network(server: Server, tmp_path: Path) -> None:
    clip = write(tmp_path / "tone.wav", tone(1), 22_050)
    command = [EMOTION, "predict", str(clip), "--json"]
    options = ["--network", "german-tcn", "--server", str(server.client.base_url)]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["network"] == "German-TCN"
    assert sorted(answer["probabilities"]) == GERMAN_EMOTIONS
