"""`GET /init/configuration` and the files that it names."""

import hashlib
from pathlib import Path
from urllib.parse import urljoin

import pytest
from falcon.testing import TestClient

from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.server.conftest import CheckedClient, make_client
from tests.support.models.tiny import (
    LABELS,
    PROSODY,
    RECIPE,
    STAGE,
    metrics_of_corpora,
    network_metadata,
    write_frame_network,
    write_recording_extractor,
)

VERSION_1 = {"numberOfMfccs", "features", "extractor", "reference", "networks"}


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


def test_the_limits_of_frames_are_those_that_are_kept(models: Path) -> None:
    settings = Settings(ServerSettings(maximum_frames=20), ModelSettings(models))
    client = CheckedClient(create_app(settings, load_catalog(models)))
    for network in client.simulate_get("/init/configuration").json["networks"]:
        limits, path = network["frames"], f"/prediction/{network['networkType']}"
        for rows, status in (
            (limits["minimum"], 200),
            (limits["maximum"], 200),
            (limits["maximum"] + 1, 422),
        ):
            assert client.simulate_post(path, json={"mfccs": [[0.0] * 25] * rows}).status_code == (
                status
            )


def test_the_configuration_names_the_input_of_a_frame_network(models: Path) -> None:
    write_frame_network(models, "GRU", **network_metadata(input="frames"))
    networks = make_client(models).simulate_get("/init/configuration").json["networks"]
    assert {n["networkType"]: n["input"] for n in networks}["GRU"] == "frames"


def test_a_network_of_one_corpus_has_no_recall_on_others(client: TestClient) -> None:
    network = client.simulate_get("/init/configuration").json["networks"][0]
    assert (network["newSpeakers"], network["otherCorpora"]) == (None, None)
    assert "otherCorpora" not in client.simulate_get("/v2/models/DNN").json["parameters"]


def test_the_recall_on_other_corpora_is_that_of_the_file(models: Path) -> None:
    metrics = metrics_of_corpora()
    write_frame_network(models, "GRU", metrics=metrics)
    client = make_client(models)
    networks = client.simulate_get("/init/configuration").json["networks"]
    (network,) = (n for n in networks if n["networkType"] == "GRU")
    parameters = client.simulate_get("/v2/models/GRU").json["parameters"]
    for name in ("speakerIndependentUar", "newSpeakers", "otherCorpora"):
        assert network[name] == parameters[name] == metrics[name]


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


def test_models_without_recordings_have_the_handshake_of_version_1(client: TestClient) -> None:
    configuration = client.simulate_get("/init/configuration").json
    assert set(configuration) == VERSION_1
    assert [network["optionalMembers"] for network in configuration["networks"]] == [[], []]


def test_recordings_add_members_and_change_none(
    client: TestClient, models_with_recordings: Path
) -> None:
    before = client.simulate_get("/init/configuration").json
    after = make_client(models_with_recordings).simulate_get("/init/configuration").json
    assert set(after) == VERSION_1 | {"recordings", "prosody", "references"}
    assert {name: after[name] for name in before} == before
    assert after["prosody"] == PROSODY
    recordings = after["recordings"]
    assert recordings["input"] == "audio"
    assert recordings["outputs"] == ["frames", "mfccs", "prosody", "prosody_statistics"]
    found = {item["sampleRate"]: item for item in recordings["extractors"]}
    assert list(found) == [8_000, 22_050, 48_000]
    assert found[22_050]["resampling"] == []
    assert found[48_000]["resampling"] == [STAGE]
    assert found[48_000]["downmix"] == "mean"


def test_the_references_begin_with_that_of_version_1(models_with_recordings: Path) -> None:
    client = make_client(models_with_recordings)
    configuration = client.simulate_get("/init/configuration").json
    references = configuration["references"]
    assert [item["name"] for item in references] == [
        "reference",
        "reference-48000",
        "reference-48000-stereo",
    ]
    old = configuration["reference"]
    assert references[0] == old | {"name": "reference", "sampleRate": 22_050, "channels": 1}
    assert (references[2]["sampleRate"], references[2]["channels"]) == (48_000, 2)


def test_the_added_files_match_their_hashes(models_with_recordings: Path) -> None:
    client = make_client(models_with_recordings)
    configuration = client.simulate_get("/init/configuration").json
    extractors = configuration["recordings"]["extractors"]
    for item in [*extractors, *configuration["references"]]:
        answer = client.simulate_get(item["url"])
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest() == item["sha256"]
        assert len(answer.content) == item.get("bytes", len(answer.content))
        is_clip = "samples" in item
        kind = "audio/wav" if is_clip else "application/octet-stream"
        assert answer.headers["content-type"] == kind
        assert client.simulate_get(item["url"][:-1] + "x").json["type"].endswith("file-replaced")


@pytest.mark.parametrize(
    "path", ["/init/extractor-12345.onnx", "/init/extractor-x.onnx", "/init/reference-1.wav"]
)
def test_a_file_that_the_models_lack_returns_404(models_with_recordings: Path, path: str) -> None:
    answer = make_client(models_with_recordings).simulate_get(path)
    assert (answer.status_code, answer.json["type"]) == (
        404,
        "urn:problem:speech-emotion:file-replaced",
    )


def test_a_damaged_extractor_is_not_offered(models_with_recordings: Path) -> None:
    path = write_recording_extractor(models_with_recordings, 8_000, recipe={"nMfcc": 25})
    client = make_client(models_with_recordings)
    configuration = client.simulate_get("/init/configuration").json
    rates = [item["sampleRate"] for item in configuration["recordings"]["extractors"]]
    assert rates == [22_050, 48_000]
    assert client.simulate_get(f"/init/{path.name}").status_code == 404
    assert "extractor-8000.onnx: was made for another" in client.simulate_get("/readyz").text


@pytest.mark.parametrize("path", ["/init/configuration", "/configuration/init"])
def test_each_address_is_relative_to_the_configuration(models: Path, path: str) -> None:
    write_recording_extractor(models, 48_000)
    client = make_client(models)
    configuration = client.simulate_get(path).json
    networks = configuration["networks"]
    described = [configuration["extractor"], configuration["reference"]]
    described += configuration["recordings"]["extractors"] + configuration["references"]
    described += [network["inference"] for network in networks]
    for each in described:
        address = urljoin(f"http://localhost/emotion{path}", each["relativeUrl"])
        assert address == f"http://localhost/emotion{each['url']}"
    paths = [network["inference"]["url"] for network in networks]
    assert paths == [f"/v2/models/{network['networkType']}/infer" for network in networks]
