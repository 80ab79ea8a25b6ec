"""The Open Inference Protocol: what it answers, and what it refuses."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from falcon.testing import Result, TestClient
from numpy.typing import NDArray

from server.batches import Array
from tests.server.conftest import make_client
from tests.server.test_prediction import softmax

VECTOR = [1.0, 2.0, 3.0, *[0.0] * 22]
NEAR_AND_FAR = np.array([VECTOR, [-6.0] * 25], np.float32)
DEEP = b"[" * 100_000
JSON_BYTES = "Inference-Header-Content-Length"


def tensor(name: str, values: Any, datatype: str = "FP32") -> dict[str, Any]:
    array = np.asarray(values)
    data = array.ravel().tolist()
    return {"name": name, "shape": list(array.shape), "datatype": datatype, "data": data}


def infer(
    client: TestClient,
    body: bytes | dict[str, Any],
    model: str = "DNN",
    headers: dict[str, str] | None = None,
) -> Result:
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | (headers or {})
    return client.simulate_post(f"/v2/models/{model}/infer", body=body, headers=headers)


def infer_vectors(client: TestClient, vectors: Any, **members: Any) -> dict[str, Any]:
    answer = infer(client, {"inputs": [tensor("mfccs", vectors)], **members})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json
    return document


def infer_binary(
    client: TestClient, document: dict[str, Any], *parts: bytes, model: str = "DNN"
) -> Result:
    text = json.dumps(document).encode()
    headers = {"Content-Type": "application/octet-stream", JSON_BYTES: str(len(text))}
    return infer(client, text + b"".join(parts), model, headers)


def binary(name: str, values: NDArray[Any], datatype: str = "FP32") -> dict[str, Any]:
    parameters = {"binary_data_size": values.nbytes}
    shape = list(values.shape)
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": parameters}


def outputs(document: dict[str, Any]) -> dict[str, Array]:
    """The tensors of an answer in JSON."""
    return {
        output["name"]: np.array(output["data"], np.float32).reshape(output["shape"])
        for output in document["outputs"]
    }


def error_of(answer: Result, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json) == ["error"]
    text: str = answer.json["error"]
    return text


def test_the_server_names_itself_and_its_extensions(client: TestClient) -> None:
    document = client.simulate_get("/v2").json
    assert document["name"] == "speech-emotion-server"
    assert document["extensions"] == ["binary_tensor_data", "classification", "model_configuration"]


@pytest.mark.parametrize("path", ["health/live", "health/ready", "models/DNN/ready"])
def test_health_is_200(client: TestClient, path: str) -> None:
    assert client.simulate_get(f"/v2/{path}").status_code == 200


def test_a_network_that_is_not_served_is_not_ready(models: Path) -> None:
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


def test_a_batch_gets_probabilities_and_distances(client: TestClient) -> None:
    document = infer_vectors(client, NEAR_AND_FAR, id="42")
    assert document["model_name"] == "DNN"
    assert document["id"] == "42"
    found = outputs(document)
    expected = [softmax([1, 2, 3]), softmax([1, 1, 1])]
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-6)
    np.testing.assert_array_equal(found["distance"], [3.0, 6.0])


def test_rows_outside_the_training_distribution_are_told(client: TestClient) -> None:
    assert infer_vectors(client, NEAR_AND_FAR)["parameters"] == {
        "warning": "outside-training-distribution",
        "rows_outside": 1,
        "distance_limit": 5.0,
    }
    assert "parameters" not in infer_vectors(client, NEAR_AND_FAR[:1])


def test_the_answer_to_nested_data_is_that_to_flat_data(client: TestClient) -> None:
    nested = tensor("mfccs", NEAR_AND_FAR) | {"data": NEAR_AND_FAR.tolist()}
    assert infer(client, {"inputs": [nested]}).json == infer_vectors(client, NEAR_AND_FAR)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("nested", [False, True])
def test_large_batches_in_json_are_read_whole(
    client: TestClient, nested: bool, indent: int | None
) -> None:
    vectors = np.random.default_rng(5).uniform(-9, 9, (2_000, 25)).astype(np.float32)
    given = tensor("mfccs", vectors) | {"data": (vectors if nested else vectors.ravel()).tolist()}
    answer = infer(client, json.dumps({"inputs": [given]}, indent=indent).encode())
    found = outputs(answer.json)["distance"]
    np.testing.assert_allclose(found, np.abs(vectors).max(axis=1), rtol=1e-6)


@pytest.mark.parametrize(("bad", "error"), [(None, "got `null` - at `$"), (1e39, "is 1e+39; exp")])
@pytest.mark.parametrize(("row", "place"), [(0, "[0][7]"), (1_900, "[1900][7]")])
def test_an_error_in_a_large_batch_is_named_by_its_place(
    client: TestClient, bad: float | None, error: str, row: int, place: str
) -> None:
    vectors: list[list[float | None]] = [[1.5] * 25 for _ in range(2_000)]
    vectors[row][7] = bad
    nested = changed(shape=[2_000, 25], data=vectors)
    text = error_of(infer(client, nested))
    assert error in text
    assert place in text
    flat = changed(shape=[2_000, 25], data=[value for vector in vectors for value in vector])
    assert f"[{25 * row + 7}]" in error_of(infer(client, flat))


@pytest.mark.parametrize("rows", [1, 2, 1_023, 1_024, 1_025, 5_000])
def test_every_row_of_a_batch_gets_its_own_answer(client: TestClient, rows: int) -> None:
    vectors = np.random.default_rng(rows).uniform(-9, 9, (rows, 25)).astype(np.float32)
    document = {"inputs": [binary("mfccs", vectors)]}
    found = outputs(infer_binary(client, document, vectors.tobytes()).json)
    exponentials = np.exp(vectors[:, :3])
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["probabilities"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["distance"], np.abs(vectors).max(axis=1), rtol=1e-6)


@pytest.mark.parametrize("padding", ["", " ", "  ", "   "])
def test_binary_data_may_begin_at_any_byte(client: TestClient, padding: str) -> None:
    document = {"id": padding, "inputs": [binary("mfccs", NEAR_AND_FAR)]}
    found = outputs(infer_binary(client, document, NEAR_AND_FAR.tobytes()).json)
    assert found["distance"].tolist() == [3.0, 6.0]


def test_all_outputs_come_as_bytes_where_the_request_says_so(client: TestClient) -> None:
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


def test_an_output_may_be_bytes_and_another_json(client: TestClient) -> None:
    wanted = [{"name": "distance", "parameters": {"binary_data": True}}, {"name": "probabilities"}]
    answer = infer(client, {"inputs": [tensor("mfccs", NEAR_AND_FAR)], "outputs": wanted})
    json_bytes = int(answer.headers[JSON_BYTES])
    distance, probabilities = json.loads(answer.content[:json_bytes])["outputs"]
    assert "data" not in distance
    assert len(probabilities["data"]) == 6
    assert answer.content[json_bytes:] == np.array([3.0, 6.0], "<f4").tobytes()


def test_only_the_outputs_asked_for_come(client: TestClient) -> None:
    document = infer_vectors(client, NEAR_AND_FAR, outputs=[{"name": "distance"}])
    assert [output["name"] for output in document["outputs"]] == ["distance"]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (9, 3)])
def test_classification_gives_the_likeliest_labels(
    client: TestClient, count: int, columns: int
) -> None:
    wanted = [{"name": "probabilities", "parameters": {"classification": count}}]
    (output,) = infer_vectors(client, NEAR_AND_FAR, outputs=wanted)["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [2, columns])
    assert output["data"][0] == "0.665241:2:happy"
    assert len(output["data"]) == 2 * columns


def test_classification_comes_as_bytes_with_lengths(client: TestClient) -> None:
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


def test_lengths_may_be_a_column(client: TestClient) -> None:
    column = tensor("lengths", [[3], [2]], "INT64")
    assert infer(client, {"inputs": [FRAMES, column]}, "TCN").status_code == 200


def test_frames_may_be_nested(client: TestClient) -> None:
    frames = np.tile(np.array(VECTOR, np.float32), (2, 4, 1))
    nested = tensor("frames", frames) | {"data": frames.tolist()}
    flat = infer(client, {"inputs": [tensor("frames", frames)]}, "TCN")
    assert infer(client, {"inputs": [nested]}, "TCN").json == flat.json


def test_utterances_of_many_lengths_come_back_in_their_order(client: TestClient) -> None:
    lengths = np.random.default_rng(0).integers(1, 200, 100)
    frames = np.zeros((100, 200, 25), np.float32)
    for utterance, length in enumerate(lengths):
        frames[utterance, :length] = utterance / 20
    inputs = [binary("frames", frames), binary("lengths", lengths.astype("<i8"), "INT64")]
    answer = infer_binary(
        client, {"inputs": inputs}, frames.tobytes(), lengths.astype("<i8").tobytes(), model="TCN"
    )
    assert answer.status_code == 200, answer.text
    # The test's network takes the mean of all frames that it is given, padding included.
    assert outputs(answer.json)["distance"] == pytest.approx(np.arange(100) / 20, rel=0.1)


def test_a_json_input_may_stand_beside_a_binary_one(client: TestClient) -> None:
    frames = np.ones((2, 3, 25), np.float32)
    inputs = [binary("frames", frames), tensor("lengths", [3, 2], "INT64")]
    answer = infer_binary(client, {"inputs": inputs}, frames.tobytes(), model="TCN")
    assert answer.status_code == 200, answer.text


GOOD = {"inputs": [tensor("mfccs", [VECTOR])]}
FRAMES = tensor("frames", np.zeros((2, 3, 25)))


def changed(**members: Any) -> dict[str, Any]:
    """A request with one vector whose input has other members."""
    return {"inputs": [tensor("mfccs", [VECTOR]) | members]}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "the request: Object missing required field `inputs`"),
        ({"inputs": []}, "the input 'mfccs' is missing"),
        ({"inputs": {}}, "Expected `array`, got `object` - at `$.inputs`"),
        (changed(name="frames"), "inputs[0].name is 'frames'; expected mfccs"),
        (changed(datatype="FP64"), "inputs[0].datatype is 'FP64'; expected FP32"),
        (changed(shape=[25]), "inputs[0].shape is [25]; expected [-1, 25]"),
        (changed(shape=[1, 24]), "inputs[0].shape is [1, 24]; expected [-1, 25]"),
        (changed(shape=[0, 25]), "Expected `int` >= 1 - at `$.inputs[0].shape[0]`"),
        (changed(shape=[1.5, 25]), "Expected `int`"),
        (changed(shape=[2, 25]), "inputs[0].data has 25 numbers; expected 50 for shape [2, 25]"),
        (changed(data=[[1.0]]), "inputs[0].data has 1 numbers at [0]; expected lists nested"),
        (changed(data=[VECTOR, VECTOR]), "inputs[0].data has 2 lists; expected lists nested"),
        (changed(data=[*VECTOR[:3], "4"]), "inputs[0].data: Expected `float`, got `str`"),
        (changed(data=[*VECTOR[:24], None]), "Expected `float`, got `null` - at `$[24]`"),
        (changed(data=[*VECTOR[:24], True]), "Expected `float`, got `bool` - at `$[24]`"),
        (changed(data=[*VECTOR[:24], 1e39]), "inputs[0].data[24] is 1e+39; expected a finite"),
        (changed(data=[[*VECTOR[:24], -1e39]]), "inputs[0].data[0][24] is -1e+39; expected a fin"),
        (changed(data="1"), "Expected `array`, got `str`"),
        (changed(data=None), "Expected `array`, got `null`"),
        (changed(parameters={"binary_data_size": 100}), 'expected "data", or else a whole number'),
        ({"inputs": [GOOD["inputs"][0]] * 2}, "the input 'mfccs' is given twice"),
        ({**GOOD, "id": 1}, "Expected `str | null`, got `int` - at `$.id`"),
        ({**GOOD, "outputs": [{"name": "label"}]}, "outputs[0].name is 'label'; expected probabil"),
        ({**GOOD, "outputs": [{"name": "distance"}] * 2}, "'distance' is asked for twice"),
        (
            {**GOOD, "outputs": [{"name": "distance", "parameters": {"classification": 1}}]},
            "'distance' has no labels",
        ),
        (
            {**GOOD, "outputs": [{"name": "distance", "parameters": {"binary_data": 1}}]},
            "outputs[0].parameters.binary_data is 1; expected True or False",
        ),
        (
            {**GOOD, "outputs": [{"name": "distance", "parameters": {"shared_memory_region": ""}}]},
            "shared memory is not supported",
        ),
        ({"inputs": [{"name": "mfccs", "shape": [1, 25], "datatype": "FP32"}]}, 'neither "data"'),
    ],
)
def test_what_does_not_fit_is_named(client: TestClient, body: dict[str, Any], error: str) -> None:
    assert error in error_of(infer(client, body))
    assert infer(client, GOOD).status_code == 200


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        ([FRAMES, tensor("lengths", [3], "INT64")], "lengths has the shape [1]; expected [2]"),
        ([FRAMES, tensor("lengths", [3, 4], "INT64")], "lengths[1] is 4; expected 1 to 3"),
        ([FRAMES, tensor("lengths", [0, 3], "INT64")], "Expected `int` >= 1"),
        ([FRAMES, tensor("lengths", [1.5, 3.0], "INT64")], "Expected `int`"),
        ([tensor("lengths", [3], "INT64")], "the input 'frames' is missing"),
        ([tensor("frames", np.zeros((2, 25)))], "shape is [2, 25]; expected [-1, -1, 25]"),
        ([FRAMES | {"data": np.zeros((2, 2, 25)).tolist()}], "has 2 lists at [0]; expected lists"),
        ([FRAMES | {"data": [[[0.0] * 25] * 3, [[1.0]] * 3]}], "has 1 numbers at [1][0]; expected"),
    ],
)
def test_what_does_not_fit_a_frame_network_is_named(
    client: TestClient, inputs: list[dict[str, Any]], error: str
) -> None:
    assert error in error_of(infer(client, {"inputs": inputs}, "TCN"))


def test_binary_lengths_are_checked_too(client: TestClient) -> None:
    frames, lengths = np.zeros((1, 3, 25), np.float32), np.array([-1], "<i8")
    inputs = [binary("frames", frames), binary("lengths", lengths, "INT64")]
    parts = (frames.tobytes(), lengths.tobytes())
    answer = infer_binary(client, {"inputs": inputs}, *parts, model="TCN")
    assert "lengths[0] is -1; expected 1 to 3" in error_of(answer)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_binary_numbers_must_be_finite(client: TestClient, bad: float) -> None:
    values = NEAR_AND_FAR.copy()
    values[1, 7] = bad
    answer = infer_binary(client, {"inputs": [binary("mfccs", values)]}, values.tobytes())
    assert f"inputs[0]: the number at [1, 7] is {bad}; expected a finite" in error_of(answer)


def test_binary_data_must_have_the_size_of_the_shape(client: TestClient) -> None:
    announced = binary("mfccs", NEAR_AND_FAR) | {"shape": [3, 25]}
    answer = infer_binary(client, {"inputs": [announced]}, NEAR_AND_FAR.tobytes())
    assert "binary_data_size is 200; expected 300 for FP32 of shape [3, 25]" in error_of(answer)


@pytest.mark.parametrize(("cut", "error"), [(-4, "the body ends after 196"), (None, "4 bytes fol")])
def test_a_body_of_another_length_is_refused(
    client: TestClient, cut: int | None, error: str
) -> None:
    content = (NEAR_AND_FAR.tobytes() + b"more")[: cut and cut - 4]
    answer = infer_binary(client, {"inputs": [binary("mfccs", NEAR_AND_FAR)]}, content)
    assert error in error_of(answer)


@pytest.mark.parametrize("size", [-100, 1.5, "100", True, 2**70])
def test_a_bad_binary_size_is_refused(client: TestClient, size: Any) -> None:
    given = binary("mfccs", NEAR_AND_FAR) | {"parameters": {"binary_data_size": size}}
    assert "binary_data_size" in error_of(
        infer_binary(client, {"inputs": [given]}, NEAR_AND_FAR.tobytes())
    )


def test_binary_data_need_the_length_of_the_json(client: TestClient) -> None:
    answer = infer(client, {"inputs": [binary("mfccs", NEAR_AND_FAR)]})
    assert "200 bytes of binary data were announced; the body ends after 0" in error_of(answer)


@pytest.mark.parametrize("length", ["0", "-1", "1e3", "", "99999999"])
def test_a_bad_length_of_the_json_is_refused(client: TestClient, length: str) -> None:
    assert JSON_BYTES in error_of(infer(client, GOOD, headers={JSON_BYTES: length}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": ' + DEEP,
        b'{"inputs": [], "a": ' + DEEP + DEEP.replace(b"[", b"]") + b"}",
        json.dumps(GOOD).encode()[:-1] + b',"a":"\xff"}',
        json.dumps(GOOD).encode() + b"}",
        json.dumps(GOOD).replace("1.0", "NaN", 1).encode(),
        json.dumps(GOOD).replace("1.0", "-Infinity", 1).encode(),
        json.dumps(GOOD).encode("utf-16"),
    ],
)
def test_what_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    assert "The body is not JSON" in error_of(infer(client, body))


@pytest.mark.parametrize("number", ["1e400", "9" * 400, "9" * 5_000])
def test_numbers_out_of_range_are_refused(client: TestClient, number: str) -> None:
    error_of(infer(client, json.dumps(GOOD).replace("1.0", number, 1).encode()))


def test_deep_nesting_in_the_data_is_refused(client: TestClient) -> None:
    body = json.dumps(changed(data=["here"])).encode()
    error_of(infer(client, body.replace(b'["here"]', DEEP + DEEP.replace(b"[", b"]"))))


def test_too_many_rows_are_refused(client: TestClient) -> None:
    rows = np.zeros((65_537, 25), np.float32)
    answer = infer_binary(client, {"inputs": [binary("mfccs", rows)]}, rows.tobytes())
    assert "65,537 rows; expected at most 65,536" in error_of(answer, 413)


def test_too_many_bytes_are_refused(client: TestClient) -> None:
    assert "8,388,608 bytes" in error_of(infer(client, b" " * 8_388_609), 413)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_bodies_are_refused(client: TestClient, encoding: str) -> None:
    answer = infer(client, GOOD, headers={"Content-Encoding": encoding})
    assert encoding in error_of(answer, 415)


def test_another_media_type_is_refused(client: TestClient) -> None:
    assert "text/plain" in error_of(
        infer(client, GOOD, headers={"Content-Type": "text/plain"}), 415
    )


@pytest.mark.parametrize("path", ["", "/ready", "/config", "/versions/1", "/versions/1/ready"])
def test_an_unknown_model_or_version_gets_404(client: TestClient, path: str) -> None:
    assert "RNN" in error_of(client.simulate_get(f"/v2/models/RNN{path}"), 404)
    if "versions" in path:
        assert "version '1'" in error_of(client.simulate_get(f"/v2/models/DNN{path}"), 404)


def test_an_unknown_path_and_a_wrong_method_get_the_protocols_error(client: TestClient) -> None:
    assert "/v2/nothing" in error_of(client.simulate_get("/v2/nothing"), 404)
    assert "POST" in error_of(client.simulate_get("/v2/models/DNN/infer"), 405)


@pytest.mark.parametrize("path", ["index", "models/DNN/load", "models/DNN/unload"])
def test_the_repository_is_not_supported(client: TestClient, path: str) -> None:
    assert "not supported" in error_of(client.simulate_post(f"/v2/repository/{path}"), 501)
