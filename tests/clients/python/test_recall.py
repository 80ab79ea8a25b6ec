"""What the command says about the quality of networks that were measured on other corpora."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.clients.python.conftest import Emotion
from tests.support.clip_requests import members_of
from tests.support.harness import running
from tests.support.hostile.faulty_proxy import FaultyProxy
from tests.support.models.measured import write_measured_models


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a network of two corpora, and one of one corpus with a higher recall."""
    models = tmp_path_factory.mktemp("models")
    write_measured_models(models)
    settings = {"SER_MODELS_DIRECTORY": models, "SER_SERVER_WORKERS": 1}
    with running(tmp_path_factory.mktemp("run"), "--without-nginx", **settings) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_recall_on_other_corpora_is_the_headline(server: str, emotion: Emotion) -> None:
    done = emotion("networks", "--server", server)
    assert done.returncode == 0, done.stderr
    header, world, studio, *notes = done.stdout.splitlines()
    cells = [line.split("  ") for line in (header, world, studio)]
    assert [[cell.strip() for cell in row if cell][:6] for row in cells] == [
        ["network", "input", "other corpora", "new speakers", "guessing", "listeners"],
        ["World", "frames", "41.0%", "62.0%", "25.0%", "60%"],
        ["Studio", "vector", "not measured", "70.0%", "33.3%", "-"],
    ]
    assert any(note.startswith("not measured: ") for note in notes)


def test_the_documents_have_both_recalls(server: str, emotion: Emotion) -> None:
    lines = emotion("networks", "--json", "--server", server).stdout.splitlines()
    networks = {network["name"]: network for network in map(json.loads, lines)}
    assert networks["World"]["other_corpora"]["uar"] == 0.41
    assert networks["World"]["new_speakers"]["baseline_uar"] == 0.67
    assert networks["Studio"]["other_corpora"] is None


def test_a_prediction_ends_with_the_recall_of_its_network(
    server: str, emotion: Emotion, tone: Path
) -> None:
    texts = {}
    for network in ("World", "Studio"):
        done = emotion("predict", tone, "--network", network, "--server", server)
        assert done.returncode == 0, done.stderr
        texts[network] = done.stdout.splitlines()[-1]
    assert texts == {
        "World": "World is right on 41.0% of recordings from elsewhere (guessing: 25.0%, "
        "listeners: 60%), and on 62.0% of new voices in recordings like those that it was trained "
        "on.",
        "Studio": "Studio is right on 70.0% of new voices in recordings like those that it was "
        "trained on (guessing: 33.3%). It was not measured on others: expect less.",
    }


def test_the_default_is_best_on_other_corpora_and_gets_prosody_of_each_frame(
    server: str, emotion: Emotion, tone: Path
) -> None:
    with FaultyProxy(server) as proxy:
        done = emotion("predict", tone, "--json", "--server", proxy.url)
        (body,) = [body for _, body in proxy.requests if body]
    assert json.loads(done.stdout)["network"] == "World"
    members = members_of(body)
    assert np.shape(members["prosody"]) == (len(members["mfccs"]), 3)
