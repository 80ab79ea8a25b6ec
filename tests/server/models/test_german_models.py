"""`models-german/`: networks with other emotions need nothing but another models directory."""

import falcon.testing
import numpy as np
import pytest

from configuration import ROOT
from server.models.catalog import NetworkCatalog, load_catalog
from tests.server.conftest import make_client

GERMAN = ROOT / "models-german"
EMOTIONS = ("angry", "bored", "disgust", "fearful", "happy", "neutral", "sad")


@pytest.fixture(scope="module")
def catalog() -> NetworkCatalog:
    return load_catalog(GERMAN)


@pytest.fixture
def german() -> falcon.testing.TestClient:
    return make_client(GERMAN)


def test_all_files_are_valid(catalog: NetworkCatalog) -> None:
    assert not catalog.faults
    assert catalog.names == ["CNN", "DNN", "TCN"]
    for network in catalog.networks.values():
        assert network.metadata.labels == EMOTIONS
        assert network.metadata.corpus["name"] == "emodb-2s"
        assert network.metadata.corpus["speakers"] == 8
        assert network.metadata.corpus["licence"]


def test_the_recipe_is_that_of_the_default_models(catalog: NetworkCatalog) -> None:
    other = load_catalog(ROOT / "models").contract
    assert catalog.contract
    assert other
    assert catalog.contract.recipe == other.recipe


def test_the_frame_network_has_a_high_speaker_independent_recall(catalog: NetworkCatalog) -> None:
    metrics = catalog.networks["tcn"].metadata.metrics
    assert metrics.speaker_independent_uar >= 0.72


@pytest.mark.parametrize("network", ["CNN", "DNN", "TCN"])
def test_a_prediction_has_the_emotions_of_the_corpus(
    german: falcon.testing.TestClient, network: str
) -> None:
    frames = np.random.default_rng(0).normal(0, 20, (80, 25)).round(3).tolist()
    answer = german.simulate_post(f"/prediction/{network}", json={"mfccs": frames})
    results = answer.json["results"]
    assert tuple(result["emotionType"] for result in results) == EMOTIONS
    assert sum(result["prediction"] for result in results) == pytest.approx(1, abs=1e-5)
