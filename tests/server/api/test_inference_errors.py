"""The Open Inference Protocol: errors."""

import json
from typing import Any

import numpy as np
import pytest
from falcon.testing import TestClient

from tests.server.api.inference_requests import (
    FRAMES,
    JSON_BYTES,
    NEAR_AND_FAR,
    VECTOR,
    binary,
    changed,
    error_of,
    infer,
    infer_binary,
    tensor,
)

DEEP = b"[" * 100_000
GOOD = {"inputs": [tensor("mfccs", [VECTOR])]}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "The request is invalid: Object missing required field `inputs`"),
        ({"inputs": []}, "The input 'mfccs' is missing"),
        ({"inputs": {}}, "Expected `array`, got `object` - at `$.inputs`"),
        (changed(name="frames"), "inputs[0].name is 'frames'; expected mfccs"),
        (changed(datatype="FP64"), "inputs[0].datatype is 'FP64'; expected FP32"),
        (changed(shape=[25]), "inputs[0].shape is [25]; expected [-1, 25]"),
        (changed(shape=[1, 24]), "inputs[0].shape is [1, 24]; expected [-1, 25]"),
        (changed(shape=[0, 25]), "Expected `int` >= 1 - at `$.inputs[0].shape[0]`"),
        (changed(shape=[1.5, 25]), "Expected `int`"),
        (changed(shape=[2, 25]), "inputs[0].data has 25 numbers; expected 50 for shape [2, 25]"),
        (changed(data=[[1.0]]), "inputs[0].data[0] has the length 1; expected lists nested"),
        (changed(data=[VECTOR, VECTOR]), "inputs[0].data has the length 2; expected lists nested"),
        (
            changed(data=[*VECTOR[:3], "4"]),
            "inputs[0].data is invalid: Expected `float`, got `str`",
        ),
        (changed(data=[*VECTOR[:24], None]), "Expected `float`, got `null` - at `$[24]`"),
        (changed(data=[*VECTOR[:24], True]), "Expected `float`, got `bool` - at `$[24]`"),
        (changed(data=[*VECTOR[:24], 1e39]), "inputs[0].data[24] is 1e+39; expected a finite"),
        (changed(data=[[*VECTOR[:24], -1e39]]), "inputs[0].data[0][24] is -1e+39; expected a fin"),
        (changed(data="1"), "Expected `array`, got `str`"),
        (changed(data=None), "Expected `array`, got `null`"),
        (changed(parameters={"binary_data_size": 100}), 'expected either "data" or an integer'),
        ({"inputs": [GOOD["inputs"][0]] * 2}, "inputs[1] repeats the input 'mfccs'"),
        ({**GOOD, "id": 1}, "Expected `str | null`, got `int` - at `$.id`"),
        ({**GOOD, "outputs": [{"name": "label"}]}, "outputs[0].name is 'label'; expected probabil"),
        (
            {**GOOD, "outputs": [{"name": "distance"}] * 2},
            "outputs[1] repeats the output 'distance'",
        ),
        (
            {**GOOD, "outputs": [{"name": "distance", "parameters": {"classification": 1}}]},
            "'distance' has no labels",
        ),
        (
            {**GOOD, "outputs": [{"name": "distance", "parameters": {"binary_data": 1}}]},
            "outputs[0].parameters.binary_data is 1; expected true or false",
        ),
        (
            {**GOOD, "outputs": [{"name": "distance", "parameters": {"shared_memory_region": ""}}]},
            "shared memory is not supported",
        ),
        ({"inputs": [{"name": "mfccs", "shape": [1, 25], "datatype": "FP32"}]}, 'neither "data"'),
    ],
)
def test_the_error_names_the_invalid_value(
    client: TestClient, body: dict[str, Any], error: str
) -> None:
    assert error in error_of(infer(client, body))
    assert infer(client, GOOD).status_code == 200


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        ([FRAMES, tensor("lengths", [3], "INT64")], "lengths has the shape [1]; expected [2]"),
        ([FRAMES, tensor("lengths", [3, 4], "INT64")], "lengths[1] is 4; expected 1 to 3"),
        ([FRAMES, tensor("lengths", [0, 3], "INT64")], "Expected `int` >= 1"),
        ([FRAMES, tensor("lengths", [1.5, 3.0], "INT64")], "Expected `int`"),
        ([tensor("lengths", [3], "INT64")], "The input 'frames' is missing"),
        ([tensor("frames", np.zeros((2, 25)))], "shape is [2, 25]; expected [-1, -1, 25]"),
        (
            [FRAMES | {"data": np.zeros((2, 2, 25)).tolist()}],
            ".data[0] has the length 2; expected lists",
        ),
        (
            [FRAMES | {"data": [[[0.0] * 25] * 3, [[1.0]] * 3]}],
            ".data[1][0] has the length 1; expected",
        ),
    ],
)
def test_the_error_names_the_invalid_value_for_a_frame_network(
    client: TestClient, inputs: list[dict[str, Any]], error: str
) -> None:
    assert error in error_of(infer(client, {"inputs": inputs}, "TCN"))


def test_binary_lengths_are_checked(client: TestClient) -> None:
    frames, lengths = np.zeros((1, 3, 25), np.float32), np.array([-1], "<i8")
    inputs = [binary("frames", frames), binary("lengths", lengths, "INT64")]
    parts = (frames.tobytes(), lengths.tobytes())
    answer = infer_binary(client, {"inputs": inputs}, *parts, model="TCN")
    assert "lengths[0] is -1; expected 1 to 3" in error_of(answer)


@pytest.mark.parametrize(("bad", "error"), [(None, "got `null` - at `$"), (1e39, "is 1e+39; exp")])
@pytest.mark.parametrize(("row", "place"), [(0, "[0][7]"), (1_900, "[1900][7]")])
def test_an_error_in_a_large_batch_names_the_place(
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


@pytest.mark.parametrize(
    ("cut", "error"), [(-4, "expected at most 196, the rest of the body"), (None, "4 bytes fol")]
)
def test_a_body_of_the_wrong_length_is_refused(
    client: TestClient, cut: int | None, error: str
) -> None:
    content = (NEAR_AND_FAR.tobytes() + b"more")[: cut and cut - 4]
    answer = infer_binary(client, {"inputs": [binary("mfccs", NEAR_AND_FAR)]}, content)
    assert error in error_of(answer)


@pytest.mark.parametrize("size", [-100, 1.5, "100", True, 2**70])
def test_an_invalid_binary_size_is_refused(client: TestClient, size: Any) -> None:
    given = binary("mfccs", NEAR_AND_FAR) | {"parameters": {"binary_data_size": size}}
    assert "binary_data_size" in error_of(
        infer_binary(client, {"inputs": [given]}, NEAR_AND_FAR.tobytes())
    )


def test_binary_data_requires_the_length_of_the_json(client: TestClient) -> None:
    answer = infer(client, {"inputs": [binary("mfccs", NEAR_AND_FAR)]})
    assert "binary_data_size is 200; expected at most 0, the rest of the body" in error_of(answer)


@pytest.mark.parametrize("length", ["0", "-1", "1e3", "", "99999999"])
def test_an_invalid_length_of_the_json_is_refused(client: TestClient, length: str) -> None:
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
def test_malformed_json_is_refused(client: TestClient, body: bytes) -> None:
    assert "The body is not valid JSON" in error_of(infer(client, body))


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


def test_too_many_frames_are_refused(client: TestClient) -> None:
    frames = np.zeros((1, 8_193, 25), np.float32)
    answer = infer_binary(
        client, {"inputs": [binary("frames", frames)]}, frames.tobytes(), model="TCN"
    )
    assert "8,193 frames; expected at most 8,192" in error_of(answer, 413)


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
def test_an_unknown_model_or_version_returns_404(client: TestClient, path: str) -> None:
    assert "RNN" in error_of(client.simulate_get(f"/v2/models/RNN{path}"), 404)
    if "versions" in path:
        assert "version '1'" in error_of(client.simulate_get(f"/v2/models/DNN{path}"), 404)


def test_unknown_paths_and_wrong_methods_return_the_protocols_error(client: TestClient) -> None:
    assert "/v2/nothing" in error_of(client.simulate_get("/v2/nothing"), 404)
    assert "POST" in error_of(client.simulate_get("/v2/models/DNN/infer"), 405)


@pytest.mark.parametrize("path", ["index", "models/DNN/load", "models/DNN/unload"])
def test_the_repository_extension_is_not_supported(client: TestClient, path: str) -> None:
    assert "not supported" in error_of(client.simulate_post(f"/v2/repository/{path}"), 501)
