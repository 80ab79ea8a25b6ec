import json
import math
from typing import Any

import numpy as np
import pytest
from falcon.testing import Result, TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from server.codecs.mfcc_json import MfccDecoder
from server.codecs.optional_members import Utterance
from server.problems.documents import Problem

VECTOR = [1.0, 2.0, 3.0, *[0.0] * 22]
DEEP = b"[" * 100_000


def post(client: TestClient, body: bytes | dict[str, Any], network: str = "DNN") -> Result:
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return client.simulate_post(f"/prediction/{network}", body=body, headers=headers)


def softmax(values: list[float]) -> list[float]:
    exponentials = [math.exp(value) for value in values]
    return [value / sum(exponentials) for value in exponentials]


def assert_problem(result: Result, status: int, slug: str) -> dict[str, Any]:
    assert result.status_code == status
    assert result.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = result.json
    assert document["type"] == f"urn:problem:speech-emotion:{slug}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def test_a_vector_returns_a_probability_for_each_emotion(client: TestClient) -> None:
    answer = post(client, {"mfccs": VECTOR})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    results = answer.json["results"]
    assert [r["emotionType"] for r in results] == ["angry", "calm", "happy"]
    assert [r["prediction"] for r in results] == pytest.approx(softmax([1, 2, 3]))


@pytest.mark.parametrize("name", ["DNN", "dnn", "dNn"])
def test_the_network_name_ignores_case(client: TestClient, name: str) -> None:
    assert post(client, {"mfccs": VECTOR}, name).status_code == 200


def test_a_vector_network_averages_frames(client: TestClient) -> None:
    frames = [[2 * value for value in VECTOR], [0.0] * 25]
    pooled, vector = post(client, {"mfccs": frames}), post(client, {"mfccs": VECTOR})
    assert pooled.json == vector.json


def test_a_frame_network_takes_frames(client: TestClient) -> None:
    answer = post(client, {"mfccs": [VECTOR] * 3}, "TCN")
    assert [r["prediction"] for r in answer.json["results"]] == pytest.approx(softmax([1, 2, 3]))


def test_a_vector_for_a_frame_network_is_refused_with_alternatives(client: TestClient) -> None:
    document = assert_problem(post(client, {"mfccs": VECTOR}, "TCN"), 422, "frames-needed")
    assert document["networks"] == ["DNN"]


def test_an_input_far_from_the_training_distribution_returns_a_warning(client: TestClient) -> None:
    near = post(client, {"mfccs": [5.0] * 25}).json
    assert "warning" not in near
    far = post(client, {"mfccs": [*[0.0] * 24, -6.0]}).json
    assert len(far["results"]) == 3
    warning = far["warning"]
    assert warning["code"] == "outside-training-distribution"
    assert warning["distance"] == 6.0
    assert warning["limit"] == 5.0
    assert warning["detail"]


def test_integers_and_unknown_members_are_accepted(client: TestClient) -> None:
    body: dict[str, Any] = {"audio": None, "mfccs": [1, 2, 3, *[0] * 22], "é": [{"deep": []}]}
    assert post(client, body).json == post(client, {"mfccs": VECTOR}).json


@pytest.mark.parametrize("size", [3.4028234e38, -3.4028234e38, 1e-320])
def test_extreme_numbers_return_probabilities(client: TestClient, size: float) -> None:
    for mfccs in ([size] * 25, [[size] * 25] * 4):
        results = post(client, {"mfccs": mfccs}).json["results"]
        assert sum(r["prediction"] for r in results) == pytest.approx(1)


def test_the_error_for_an_unknown_network_lists_the_networks(client: TestClient) -> None:
    document = assert_problem(post(client, {"mfccs": VECTOR}, "RNN"), 404, "unknown-network")
    assert document["networks"] == ["DNN", "TCN"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b'{"mfccs": [1, 2',
        b'{"mfccs": [1,]}',
        b"mfccs=1",
        b'{"mfccs": [NaN]}',
        b'{"mfccs": [Infinity]}',
        b'{"mfccs": [-Infinity]}',
        b'{"mfccs": [null], "broken": ',
        b'{"mfccs": [%s,' % (b"9" * 5_000),
        b'{"mfccs": [%s, NaN]}' % (b"9" * 5_000),
        b'{"mfccs": [%s, %s' % (b"9" * 5_000, DEEP),
        b"\xff\xfe",
        json.dumps({"mfccs": VECTOR}).encode()[:-1] + b', "a": "\xff"}',
        json.dumps({"mfccs": VECTOR}).encode() + b"}",
        json.dumps({"mfccs": VECTOR}).encode("utf-16"),
        DEEP,
        b'{"mfccs": ' + DEEP,
        b'{"mfccs": ' + DEEP + DEEP.replace(b"[", b"]") + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_malformed_json_returns_400(client: TestClient, body: bytes) -> None:
    assert_problem(post(client, body), 400, "malformed-json")
    assert post(client, {"mfccs": VECTOR}).status_code == 200


@pytest.mark.parametrize(
    ("mfccs", "pointer", "detail"),
    [
        ("null", "/mfccs", "got null"),
        ('"1"', "/mfccs", "got a string"),
        ("1.5", "/mfccs", "got a number"),
        ("{}", "/mfccs", "got an object"),
        ("true", "/mfccs", "got a boolean"),
        ("[]", "/mfccs", "got 0"),
        ("[[]]", "/mfccs/0", "got 0"),
        ("[1, null]", "/mfccs/1", "got null"),
        ('[1, 2, "3"]', "/mfccs/2", "got a string"),
        ("[true]", "/mfccs/0", "got a boolean"),
        ("[{}]", "/mfccs/0", "got an object"),
        ("[1, [2]]", "/mfccs/1", "got a list"),
        ("[[1], 2]", "/mfccs/0", "got 1"),
        (json.dumps([VECTOR, 2.0]), "/mfccs/1", "frame 1 is a number"),
        (json.dumps([VECTOR, VECTOR[1:]]), "/mfccs/1", "got 24"),
        (json.dumps([VECTOR, [*VECTOR[:24], None]]), "/mfccs/1/24", "got null"),
        (json.dumps([[VECTOR]]), "/mfccs/0/0", "got a list"),
        ("[1e39]", "/mfccs/0", "float32"),
        ("[1, -1e400]", "/mfccs/1", "float32"),
        ("[" + "9" * 400 + "]", "/mfccs/0", "float32"),
        ("[" + "9" * 5_000 + "]", "/mfccs/0", "float32"),
        (json.dumps([VECTOR, [*VECTOR[:24], 1e39]]), "/mfccs/1/24", "float32"),
    ],
)
def test_the_error_points_to_the_invalid_value(
    client: TestClient, mfccs: str, pointer: str, detail: str
) -> None:
    answer = post(client, f'{{"mfccs": {mfccs}}}'.encode())
    document = assert_problem(answer, 422, "invalid-features")
    assert document["pointer"] == pointer
    assert detail in document["detail"]


@pytest.mark.parametrize("body", [b"{}", b"[]", b"1", b"null", b'{"MFCCS": []}'])
def test_a_missing_member_returns_422(client: TestClient, body: bytes) -> None:
    document = assert_problem(post(client, body), 422, "invalid-features")
    assert document["pointer"] == ""
    assert "mfccs" in document["detail"]


@pytest.mark.parametrize("count", [1, 24, 26, 40])
def test_the_error_names_a_wrong_number_of_coefficients(client: TestClient, count: int) -> None:
    answer = post(client, {"mfccs": [1.0] * count})
    document = assert_problem(answer, 422, "invalid-features")
    assert f"expected 25, got {count}" in document["detail"]


def test_another_media_type_returns_415(client: TestClient) -> None:
    body = json.dumps({"mfccs": VECTOR})
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "audio/wav"):
        headers = {"Content-Type": content_type}
        answer = client.simulate_post("/prediction/DNN", body=body, headers=headers)
        document = assert_problem(answer, 415, "unsupported-media-type")
        assert "application/json" in document["detail"]
        assert content_type in document["detail"]


def test_a_charset_is_accepted_and_compression_is_refused(client: TestClient) -> None:
    body = json.dumps({"mfccs": VECTOR})
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.simulate_post("/prediction/DNN", body=body, headers=headers).status_code == 200
    headers["Content-Encoding"] = "gzip"
    answer = client.simulate_post("/prediction/DNN", body=body, headers=headers)
    assert_problem(answer, 415, "unsupported-content-encoding")


def test_a_body_over_the_limit_returns_413(client: TestClient) -> None:
    body = json.dumps({"mfccs": VECTOR}).encode()
    assert post(client, body + b" " * (1_048_576 - len(body))).status_code == 200
    document = assert_problem(post(client, b" " * 1_048_577), 413, "body-too-large")
    assert document["maximumBytes"] == 1_048_576


def test_errors_cut_long_values_of_clients(client: TestClient) -> None:
    document = assert_problem(post(client, {"mfccs": VECTOR}, "N" * 5_000), 404, "unknown-network")
    assert len(document["detail"]) < 200


def test_a_wrong_method_returns_405_with_allow(client: TestClient) -> None:
    answer = client.simulate_get("/prediction/DNN")
    assert_problem(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["allow"]
    assert "POST" in answer.json["detail"]


def test_an_unknown_path_returns_404(client: TestClient) -> None:
    assert_problem(client.simulate_get("/nowhere"), 404, "no-such-path")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(), inner, max_size=3),
    ),
    st.binary(max_size=5),
)
@settings(max_examples=500, deadline=None)
def test_the_decoder_returns_mfccs_or_raises_a_problem(document: Any, noise: bytes) -> None:
    decode = MfccDecoder(3, 3_000)
    for body in (json.dumps({"mfccs": document}).encode(), json.dumps(document).encode() + noise):
        outcome = decode_or_explain(decode, body)
        if isinstance(outcome, Problem):
            assert outcome.status_code in (400, 422)
            continue
        assert outcome.mfccs.dtype == np.float32
        assert outcome.mfccs.shape[-1] == 3
        assert np.isfinite(outcome.mfccs).all()


def decode_or_explain(decode: MfccDecoder, body: bytes) -> Utterance | Problem:
    try:
        return decode(body)
    except Problem as problem:
        return problem
