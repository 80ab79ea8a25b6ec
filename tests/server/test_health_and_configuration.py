import hashlib
from pathlib import Path
from typing import Any

import onnx
import pytest
from falcon.testing import TestClient

from tests.server.conftest import make_client
from tests.support.tiny_models import (
    LABELS,
    MISTAKES,
    RECIPE,
    REFERENCE_CLIP,
    network_metadata,
    write_extractor,
    write_frame_network,
    write_vector_network,
)


def test_readiness_names_the_networks(client: TestClient) -> None:
    answer = client.simulate_get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ready", "networks": ["DNN", "TCN"]}


@pytest.mark.parametrize("path", ["/init/configuration", "/configuration/init"])
def test_configuration_carries_the_contract(client: TestClient, path: str) -> None:
    configuration = client.simulate_get(path).json
    assert configuration["numberOfMfccs"] == 25
    assert configuration["features"] == RECIPE
    network = configuration["networks"][0]
    assert network["networkType"] == "DNN"
    assert network["input"] == "vector"
    assert network["emotions"] == LABELS
    assert network["speakerIndependentUar"] == 0.4


def test_the_extractor_is_the_one_that_the_configuration_names(client: TestClient) -> None:
    extractor = client.simulate_get("/init/configuration").json["extractor"]
    answer = client.simulate_get(extractor["url"])
    assert hashlib.sha256(answer.content).hexdigest() == extractor["sha256"]
    assert len(answer.content) == extractor["bytes"]


def test_the_reference_clip_is_the_one_that_the_configuration_names(client: TestClient) -> None:
    reference = client.simulate_get("/init/configuration").json["reference"]
    answer = client.simulate_get(reference["url"])
    assert answer.headers["content-type"] == "audio/wav"
    assert hashlib.sha256(answer.content).hexdigest() == reference["sha256"]
    assert len(reference["mfccs"]) == 25


def test_a_file_is_fetched_once_and_then_only_asked_for(client: TestClient) -> None:
    tag = client.simulate_get("/init/mfcc.onnx").headers["etag"]
    for known in (tag, f'"other", {tag}', "*"):
        headers = {"If-None-Match": known}
        answer = client.simulate_get("/init/mfcc.onnx", headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    headers = {"If-None-Match": '"other"'}
    assert client.simulate_get("/init/mfcc.onnx", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("span", "expected"),
    [("bytes=0-3", slice(0, 4)), ("bytes=4-", slice(4, None)), ("bytes=-5", slice(-5, None))],
)
def test_a_range_of_a_file_is_served(client: TestClient, span: str, expected: slice) -> None:
    answer = client.simulate_get("/init/reference.wav", headers={"Range": span})
    assert answer.status_code == 206
    assert answer.content == REFERENCE_CLIP[expected]
    start, stop, _ = expected.indices(len(REFERENCE_CLIP))
    size = len(REFERENCE_CLIP)
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"


@pytest.mark.parametrize("span", ["bytes=", "lines=1-2", "nonsense", "bytes=9-5", "bytes=0-0,2-2"])
def test_what_is_no_single_range_of_bytes_is_ignored(client: TestClient, span: str) -> None:
    answer = client.simulate_get("/init/reference.wav", headers={"Range": span})
    assert (answer.status_code, answer.content) == (200, REFERENCE_CLIP)


def test_a_range_of_another_version_of_the_file_is_not_served(client: TestClient) -> None:
    tag = client.simulate_get("/init/reference.wav").headers["etag"]
    for known, status in ((tag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-3", "If-Range": known}
        assert client.simulate_get("/init/reference.wav", headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/init/configuration", "/init/mfcc.onnx"])
def test_head_is_answered_where_get_is(client: TestClient, path: str) -> None:
    assert client.simulate_head(path).status_code == 200


def test_metadata_nested_too_deeply_does_not_stop_the_others(models: Path) -> None:
    path = write_vector_network(models, "CNN")
    content = onnx.load(path)
    for item in content.metadata_props:
        if item.key == "corpus":
            item.value = '{"a":' + "[" * 2_000 + "]" * 2_000 + "}"
    path.write_bytes(content.SerializeToString())
    client = make_client(models)
    assert "'corpus'" in client.simulate_get("/readyz").json["detail"]
    body = f'{{"mfccs": {[0.0] * 25}}}'
    assert client.simulate_post("/prediction/DNN", body=body).status_code == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"right": MISTAKES["right"] | {"mfccs": [0.0] * 26}}, "coefficients"),
        ({"right": MISTAKES["right"] | {"tolerance": 0}}, "'mistakes'"),
        ({"pairs": [MISTAKES["right"] | {"codes": ["a", "b"]}]}, "no explanation of 'a'"),
        ({"single": []}, "no explanation of"),
    ],
)
def test_mistakes_that_cannot_be_told_are_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    write_extractor(tmp_path, mistakes=MISTAKES | changes)
    assert reason in make_client(tmp_path).simulate_get("/readyz").json["detail"]


def test_an_extractor_that_does_not_extract_is_refused(models: Path) -> None:
    write_extractor(models)
    content = onnx.load(models / "mfcc.onnx")
    content.graph.output[0].name = content.graph.node[0].output[0] = "other"
    content.graph.node[1].input[0] = "other"
    (models / "mfcc.onnx").write_bytes(content.SerializeToString())
    assert "does not extract" in make_client(models).simulate_get("/readyz").json["detail"]


def test_a_range_beyond_the_end_gets_416(client: TestClient) -> None:
    answer = client.simulate_get("/init/reference.wav", headers={"Range": "bytes=1000-"})
    assert answer.status_code == 416
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_reference_clip_that_the_extractor_does_not_know_is_refused(models: Path) -> None:
    (models / "reference.wav").write_bytes(b"another clip")
    assert "reference.wav" in make_client(models).simulate_get("/readyz").json["detail"]


def test_without_any_model_the_server_lives_but_is_not_ready(tmp_path: Path) -> None:
    client = make_client(tmp_path)
    assert client.simulate_get("/livez").status_code == 200
    answer = client.simulate_get("/readyz")
    assert answer.status_code == 503
    assert "mfcc.onnx" in answer.json["detail"]
    assert client.simulate_get("/init/configuration").status_code == 503
    body = '{"mfccs": [1]}'
    assert client.simulate_post("/prediction/DNN", body=body).status_code == 404


def test_without_a_network_the_server_is_not_ready(tmp_path: Path) -> None:
    write_extractor(tmp_path)
    answer = make_client(tmp_path).simulate_get("/readyz")
    assert answer.status_code == 503
    assert "no network" in answer.json["detail"]


def test_one_broken_file_does_not_stop_the_others(models: Path) -> None:
    (models / "CNN.onnx").write_bytes(b"not a model")
    client = make_client(models)
    body = f'{{"mfccs": {[0.0] * 25}}}'
    assert client.simulate_post("/prediction/DNN", body=body).status_code == 200
    broken = client.simulate_post("/prediction/cnn", body=body)
    assert broken.status_code == 503
    assert "CNN" in client.simulate_get("/readyz").json["detail"]


def test_names_that_differ_in_case_only_are_refused(models: Path) -> None:
    write_vector_network(models, "dnn")
    assert "in case only" in make_client(models).simulate_get("/readyz").json["detail"]


def nan_network(directory: Path) -> Path:
    """Its distance is not a number for large inputs: inf - inf."""
    path = write_vector_network(directory, "CNN")
    model = onnx.load(path)
    for constant in model.graph.initializer:
        if constant.name in ("low", "high"):
            constant.float_data[0] = {"low": -3e38, "high": 3e38}[constant.name]
    model.graph.node[1].input[0] = "squared"
    squares = onnx.helper.make_node("Mul", ["clipped", "clipped"], ["squared"])
    model.graph.node.insert(1, squares)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": None}, "lacks 'labels'"),
        ({"labels": ["angry", "calm"]}, "3 probabilities for 2 labels"),
        ({"labels": ["calm", "angry", "happy"]}, "alphabetically"),
        ({"labels": "angry"}, "'labels'"),
        ({"recipe": RECIPE | {"sampleRate": 16000}}, "another feature recipe"),
        ({"n_mfcc": 40}, "inputs are"),
        ({"input": "frames"}, "inputs are"),
        ({"input": "audio"}, "'input'"),
        ({"distance_limit": -1}, "'distance_limit'"),
        ({"metrics": {"protocol": "x"}}, "'metrics'"),
    ],
)
def test_a_file_that_contradicts_itself_is_not_served(
    models: Path, changes: dict[str, Any], reason: str
) -> None:
    write_vector_network(models, "CNN", **changes)
    answer = make_client(models).simulate_get("/readyz")
    assert answer.status_code == 503
    assert reason in answer.json["detail"]


def test_a_network_whose_output_is_not_finite_is_not_served(models: Path) -> None:
    nan_network(models)
    assert "expected probabilities" in make_client(models).simulate_get("/readyz").json["detail"]


def test_a_file_of_another_format_is_not_served(models: Path) -> None:
    (models / "CNN.onnx").write_bytes((models / "mfcc.onnx").read_bytes())
    assert "'format'" in make_client(models).simulate_get("/readyz").json["detail"]


def test_a_frame_network_says_so(models: Path) -> None:
    write_frame_network(models, "GRU", **network_metadata(input="frames"))
    networks = make_client(models).simulate_get("/init/configuration").json["networks"]
    assert {n["networkType"]: n["input"] for n in networks}["GRU"] == "frames"
