"""The Open Inference Protocol: answers."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from falcon.testing import TestClient

from tests.server.api.inference_requests import (
    FRAMES,
    JSON_BYTES,
    NEAR_AND_FAR,
    VECTOR,
    binary,
    error_of,
    infer,
    infer_binary,
    infer_vectors,
    outputs,
    tensor,
)
from tests.server.api.test_prediction import softmax
from tests.server.conftest import make_client


def test_the_server_metadata_has_name_and_extensions(client: TestClient) -> None:
    document = client.simulate_get("/v2").json
    assert document["name"] == "speech-emotion-server"
    assert document["extensions"] == ["binary_tensor_data", "classification", "model_configuration"]


@pytest.mark.parametrize("path", ["health/live", "health/ready", "models/DNN/ready"])
def test_health_is_200(client: TestClient, path: str) -> None:
    assert client.simulate_get(f"/v2/{path}").status_code == 200


def test_a_network_that_failed_verification_is_not_ready(models: Path) -> None:
    (models / "Bad.onnx").write_bytes(b"no model")
    client = make_client(models)
    assert "Bad" in error_of(client.simulate_get("/v2/models/Bad/ready"), 503)
    assert "Bad" in error_of(client.simulate_get("/v2/health/ready"), 503)
    assert client.simulate_get("/v2/models/DNN/ready").status_code == 200


def test_metadata_has_tensors_labels_and_version(client: TestClient) -> None:
    document = client.simulate_get("/v2/models/TCN").json
    assert document["inputs"] == [
        {"name": "frames", "datatype": "FP32", "shape": [-1, -1, 25]},
        {"name": "lengths", "datatype": "INT64", "shape": [-1]},
    ]
    probabilities, distance = document["outputs"]
    assert probabilities["shape"] == [-1, 3]
    assert probabilities["parameters"]["labels"] == ["angry", "calm", "happy"]
    assert distance["parameters"]["limit"] == 5.0
    (version,) = document["versions"]
    assert document["parameters"]["sha256"].startswith(version)
    assert client.simulate_get(f"/v2/models/TCN/versions/{version}").json == document


def test_the_configuration_has_the_largest_batch(client: TestClient) -> None:
    document = client.simulate_get("/v2/models/dnn/config").json
    assert document["max_batch_size"] == 65_536
    assert document["input"] == [{"name": "mfccs", "data_type": "TYPE_FP32", "dims": [25]}]
    assert document["output"][1] == {"name": "distance", "data_type": "TYPE_FP32", "dims": [1]}


def test_a_batch_is_answered_with_probabilities_and_distances(client: TestClient) -> None:
    document = infer_vectors(client, NEAR_AND_FAR, id="42")
    assert document["model_name"] == "DNN"
    assert document["id"] == "42"
    found = outputs(document)
    expected = [softmax([1, 2, 3]), softmax([1, 1, 1])]
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-6)
    np.testing.assert_array_equal(found["distance"], [3.0, 6.0])


def test_the_answer_counts_rows_outside_the_training_distribution(client: TestClient) -> None:
    assert infer_vectors(client, NEAR_AND_FAR)["parameters"] == {
        "warning": "outside-training-distribution",
        "rows_outside": 1,
        "distance_limit": 5.0,
    }
    assert "parameters" not in infer_vectors(client, NEAR_AND_FAR[:1])


def test_nested_and_flat_data_have_the_same_answer(client: TestClient) -> None:
    nested = tensor("mfccs", NEAR_AND_FAR) | {"data": NEAR_AND_FAR.tolist()}
    assert infer(client, {"inputs": [nested]}).json == infer_vectors(client, NEAR_AND_FAR)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("nested", [False, True])
def test_large_batches_in_json_are_read_completely(
    client: TestClient, nested: bool, indent: int | None
) -> None:
    vectors = np.random.default_rng(5).uniform(-9, 9, (2_000, 25)).astype(np.float32)
    given = tensor("mfccs", vectors) | {"data": (vectors if nested else vectors.ravel()).tolist()}
    answer = infer(client, json.dumps({"inputs": [given]}, indent=indent).encode())
    found = outputs(answer.json)["distance"]
    np.testing.assert_allclose(found, np.abs(vectors).max(axis=1), rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 2, 255, 256, 257, 5_000])
def test_every_row_of_a_batch_has_its_own_answer(client: TestClient, rows: int) -> None:
    vectors = np.random.default_rng(rows).uniform(-9, 9, (rows, 25)).astype(np.float32)
    document = {"inputs": [binary("mfccs", vectors)]}
    found = outputs(infer_binary(client, document, vectors.tobytes()).json)
    exponentials = np.exp(vectors[:, :3])
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["distance"], np.abs(vectors).max(axis=1), rtol=1e-6)


@pytest.mark.parametrize("padding", ["", " ", "  ", "   "])
def test_binary_data_may_start_at_any_byte(client: TestClient, padding: str) -> None:
    document = {"id": padding, "inputs": [binary("mfccs", NEAR_AND_FAR)]}
    found = outputs(infer_binary(client, document, NEAR_AND_FAR.tobytes()).json)
    assert found["distance"].tolist() == [3.0, 6.0]


def test_binary_data_output_makes_all_outputs_binary(client: TestClient) -> None:
    document = {
        "parameters": {"binary_data_output": True},
        "inputs": [binary("mfccs", NEAR_AND_FAR)],
    }
    answer = infer_binary(client, document, NEAR_AND_FAR.tobytes())
    assert answer.headers["content-type"] == "application/octet-stream"
    json_bytes = int(answer.headers[JSON_BYTES])
    first, second = json.loads(answer.content[:json_bytes])["outputs"]
    assert (first["name"], first["parameters"]) == ("probabilities", {"binary_data_size": 24})
    assert (second["name"], second["parameters"]) == ("distance", {"binary_data_size": 8})
    numbers = np.frombuffer(answer.content[json_bytes:], np.float32)
    np.testing.assert_allclose(numbers[:3], softmax([1, 2, 3]), rtol=1e-6)
    assert numbers[6:].tolist() == [3.0, 6.0]


def test_one_output_may_be_binary_and_another_json(client: TestClient) -> None:
    wanted = [{"name": "distance", "parameters": {"binary_data": True}}, {"name": "probabilities"}]
    answer = infer(client, {"inputs": [tensor("mfccs", NEAR_AND_FAR)], "outputs": wanted})
    json_bytes = int(answer.headers[JSON_BYTES])
    distance, probabilities = json.loads(answer.content[:json_bytes])["outputs"]
    assert "data" not in distance
    assert len(probabilities["data"]) == 6
    assert answer.content[json_bytes:] == np.array([3.0, 6.0], "<f4").tobytes()


def test_the_answer_has_only_the_requested_outputs(client: TestClient) -> None:
    document = infer_vectors(client, NEAR_AND_FAR, outputs=[{"name": "distance"}])
    assert [output["name"] for output in document["outputs"]] == ["distance"]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (9, 3)])
def test_classification_returns_the_likeliest_labels(
    client: TestClient, count: int, columns: int
) -> None:
    wanted = [{"name": "probabilities", "parameters": {"classification": count}}]
    (output,) = infer_vectors(client, NEAR_AND_FAR, outputs=wanted)["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [2, columns])
    assert output["data"][0] == "0.665241:2:happy"
    assert len(output["data"]) == 2 * columns


def test_binary_classification_has_length_prefixes(client: TestClient) -> None:
    parameters = {"classification": 1, "binary_data": True}
    wanted = [{"name": "probabilities", "parameters": parameters}]
    answer = infer(client, {"inputs": [tensor("mfccs", [VECTOR])], "outputs": wanted})
    content = answer.content[int(answer.headers[JSON_BYTES]) :]
    assert content == struct.pack("<I", 16) + b"0.665241:2:happy"


@pytest.mark.parametrize("with_lengths", [True, False])
def test_a_frame_network_takes_frames_with_or_without_lengths(
    client: TestClient, with_lengths: bool
) -> None:
    frames = np.tile(np.array(VECTOR, np.float32), (2, 4, 1))
    inputs = [tensor("frames", frames), tensor("lengths", [4, 4], "INT64")]
    document = infer(client, {"inputs": inputs[: 1 + with_lengths]}, "TCN").json
    expected = [softmax([1, 2, 3])] * 2
    np.testing.assert_allclose(outputs(document)["probabilities"], expected, rtol=1e-6)


def test_lengths_may_have_a_second_axis_of_size_one(client: TestClient) -> None:
    column = tensor("lengths", [[3], [2]], "INT64")
    assert infer(client, {"inputs": [FRAMES, column]}, "TCN").status_code == 200


def test_frames_may_be_nested(client: TestClient) -> None:
    frames = np.tile(np.array(VECTOR, np.float32), (2, 4, 1))
    nested = tensor("frames", frames) | {"data": frames.tolist()}
    flat = infer(client, {"inputs": [tensor("frames", frames)]}, "TCN")
    assert infer(client, {"inputs": [nested]}, "TCN").json == flat.json


def test_answers_to_utterances_of_many_lengths_keep_their_order(client: TestClient) -> None:
    lengths = np.random.default_rng(0).integers(1, 200, 100)
    frames = np.zeros((100, 200, 25), np.float32)
    for utterance, length in enumerate(lengths):
        frames[utterance, :length] = utterance / 20
    inputs = [binary("frames", frames), binary("lengths", lengths.astype("<i8"), "INT64")]
    answer = infer_binary(
        client, {"inputs": inputs}, frames.tobytes(), lengths.astype("<i8").tobytes(), model="TCN"
    )
    assert answer.status_code == 200, answer.text
    # This network takes the mean of all frames of a call, padding included.
    assert outputs(answer.json)["distance"] == pytest.approx(np.arange(100) / 20, rel=0.1)


def test_json_and_binary_inputs_may_be_mixed(client: TestClient) -> None:
    frames = np.ones((2, 3, 25), np.float32)
    inputs = [binary("frames", frames), tensor("lengths", [3, 2], "INT64")]
    answer = infer_binary(client, {"inputs": inputs}, frames.tobytes(), model="TCN")
    assert answer.status_code == 200, answer.text
