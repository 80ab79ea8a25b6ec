"""`/livez` and `/readyz`: sound models, and models with one fault each."""

from pathlib import Path
from typing import Any

import onnx
import pytest
from falcon.testing import TestClient

from tests.server.conftest import make_client
from tests.support.models.tiny import (
    MISTAKES,
    RECIPE,
    write_extractor,
    write_vector_network,
)


def test_readiness_lists_the_networks(client: TestClient) -> None:
    answer = client.simulate_get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ready", "networks": ["DNN", "TCN"]}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/init/configuration", "/init/mfcc.onnx"])
def test_get_resources_also_answer_head(client: TestClient, path: str) -> None:
    assert client.simulate_head(path).status_code == 200


def test_metadata_nested_too_deeply_affects_no_other_network(models: Path) -> None:
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
def test_an_extractor_with_invalid_mistakes_is_refused(
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


def test_a_reference_clip_with_another_hash_is_refused(models: Path) -> None:
    (models / "reference.wav").write_bytes(b"another clip")
    assert "reference.wav" in make_client(models).simulate_get("/readyz").json["detail"]


def test_without_models_the_server_is_live_but_not_ready(tmp_path: Path) -> None:
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


def test_one_broken_file_affects_no_other_network(models: Path) -> None:
    (models / "CNN.onnx").write_bytes(b"not a model")
    client = make_client(models)
    body = f'{{"mfccs": {[0.0] * 25}}}'
    assert client.simulate_post("/prediction/DNN", body=body).status_code == 200
    broken = client.simulate_post("/prediction/cnn", body=body)
    assert broken.status_code == 503
    assert "CNN" in client.simulate_get("/readyz").json["detail"]


def test_names_that_differ_only_in_case_are_refused(models: Path) -> None:
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
        ({"labels": None}, "CNN.onnx: metadata lacks 'labels'"),
        ({"labels": ["angry", "calm"]}, "3 probabilities for 2 labels"),
        ({"labels": ["calm", "angry", "happy"]}, "alphabetically"),
        ({"labels": "angry"}, "'labels'"),
        (
            {"recipe": RECIPE | {"sampleRate": 16000}},
            "CNN.onnx: was made for another feature recipe",
        ),
        ({"n_mfcc": 40}, "CNN.onnx: inputs are [('mfccs', 'tensor(float)', (40,))]"),
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
