"""`GET /init/configuration` and the files that it names."""

import hashlib
from pathlib import Path

import pytest
from falcon.testing import TestClient

from tests.server.conftest import make_client
from tests.support.tiny_models import LABELS, RECIPE, network_metadata, write_frame_network


@pytest.mark.parametrize("path", ["/init/configuration", "/configuration/init"])
def test_the_configuration_has_the_feature_recipe_and_the_networks(
    client: TestClient, path: str
) -> None:
    configuration = client.simulate_get(path).json
    assert configuration["numberOfMfccs"] == 25
    assert configuration["features"] == RECIPE
    network = configuration["networks"][0]
    assert network["networkType"] == "DNN"
    assert network["input"] == "vector"
    assert network["emotions"] == LABELS
    assert network["speakerIndependentUar"] == 0.4


def test_the_configuration_names_the_input_of_a_frame_network(models: Path) -> None:
    write_frame_network(models, "GRU", **network_metadata(input="frames"))
    networks = make_client(models).simulate_get("/init/configuration").json["networks"]
    assert {n["networkType"]: n["input"] for n in networks}["GRU"] == "frames"


def test_the_extractor_matches_its_hash_in_the_configuration(client: TestClient) -> None:
    extractor = client.simulate_get("/init/configuration").json["extractor"]
    answer = client.simulate_get(extractor["url"])
    assert hashlib.sha256(answer.content).hexdigest() == extractor["sha256"]
    assert len(answer.content) == extractor["bytes"]


def test_the_reference_clip_matches_its_hash_in_the_configuration(client: TestClient) -> None:
    reference = client.simulate_get("/init/configuration").json["reference"]
    answer = client.simulate_get(reference["url"])
    assert answer.headers["content-type"] == "audio/wav"
    assert hashlib.sha256(answer.content).hexdigest() == reference["sha256"]
    assert len(reference["mfccs"]) == 25
