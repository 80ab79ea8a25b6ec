"""`models-open/`: networks from corpora whose licences allow commercial use."""

import numpy as np
import pytest

from configuration import ROOT
from server.models.catalog import NetworkCatalog, load_catalog
from tests.server.conftest import make_client

OPEN = ROOT / "models-open"
EMOTIONS = ("angry", "disgust", "fearful", "happy", "neutral", "sad")  # that both corpora have
NETWORKS = ["CNN", "DNN", "DNN-prosody", "TCN"]


@pytest.fixture(scope="module")
def catalog() -> NetworkCatalog:
    return load_catalog(OPEN)


def test_all_files_are_valid(catalog: NetworkCatalog) -> None:
    assert not catalog.faults
    assert catalog.names == NETWORKS
    for network in catalog.networks.values():
        assert network.metadata.labels == EMOTIONS


def test_no_network_knows_a_corpus_that_forbids_commercial_use(catalog: NetworkCatalog) -> None:
    for network in catalog.networks.values():
        corpora = network.metadata.corpus["corpora"]
        assert [corpus["name"] for corpus in corpora] == ["CREMA-D", "emodb-2s"]
        assert not any("NC" in corpus["licence"] for corpus in corpora)  # as in CC BY-NC


@pytest.mark.parametrize("network", NETWORKS)
def test_a_prediction_has_the_emotions_of_both_corpora(network: str) -> None:
    frames = np.random.default_rng(0).normal(0, 20, (80, 25)).round(3).tolist()
    answer = make_client(OPEN).simulate_post(f"/prediction/{network}", json={"mfccs": frames})
    results = answer.json["results"]
    assert tuple(result["emotionType"] for result in results) == EMOTIONS
    assert sum(result["prediction"] for result in results) == pytest.approx(1, abs=1e-5)
