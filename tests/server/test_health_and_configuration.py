from pathlib import Path
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.server.conftest import make_client
from tests.server.tiny_models import (
    LABELS,
    RECIPE,
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
    import onnx

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
