"""Errors repeat at most a hundred characters of what a client sent."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from falcon.testing import Result, TestClient

from server.problems.documents import shortened
from tests.server.api.inference_requests import VECTOR, tensor

COUNT = 5_000
LONGEST_ANSWER = 1_000  # bytes
TEXTS = ["Z" * COUNT, "\x01" * COUNT, "\U000e0001" * COUNT, '"' * COUNT, "ä'" * COUNT]
NUMBERS = ["9" * COUNT, "0." + "9" * COUNT, "1" + "0" * 300, "-1e" + "9" * COUNT]


def places(value: str) -> Iterator[dict[str, Any]]:
    """Inference requests that have the value in each place where a text may stand."""
    good = {"inputs": [tensor("mfccs", [VECTOR])]}
    for name in ("name", "datatype", "data", "shape"):
        yield {"inputs": [good["inputs"][0] | {name: value}]}
    yield {"inputs": [good["inputs"][0] | {"shape": [value, 25]}]}
    yield {"inputs": [good["inputs"][0] | {"data": [value]}]}
    yield {"inputs": [good["inputs"][0] | {"parameters": {"binary_data_size": value}}]}
    yield {"inputs": [good["inputs"][0] | {value: value, "name": value}]}
    yield good | {"id": value}
    yield good | {"parameters": {"binary_data_output": value}}
    yield good | {"parameters": value}
    yield good | {"outputs": [{"name": value}]}
    for name in ("binary_data", "classification", "shared_memory_region"):
        yield good | {"outputs": [{"name": "distance", "parameters": {name: value}}]}
    yield {value: value}


def assert_short(answer: Result, value: str) -> None:
    assert answer.status_code in (400, 404, 405, 413, 415, 422), answer.status_code
    assert len(answer.content) < LONGEST_ANSWER
    text = json.dumps(answer.json, ensure_ascii=False)
    assert value[:101] not in text


@pytest.mark.parametrize("text", TEXTS, ids=["letters", "control", "tags", "quotes", "umlauts"])
def test_errors_of_inference_requests_are_short(client: TestClient, text: str) -> None:
    for document in places(text):
        body = json.dumps(document)
        assert_short(client.simulate_post("/v2/models/DNN/infer", body=body), text)


@pytest.mark.parametrize("number", NUMBERS)
def test_errors_of_numbers_are_short(client: TestClient, number: str) -> None:
    for document in places("HERE"):
        body = json.dumps(document).replace('"HERE"', number)
        answer = client.simulate_post("/v2/models/DNN/infer", body=body)
        if answer.status_code != 200:
            assert_short(answer, number)
    for body in (f'{{"mfccs": [{number}]}}', f'{{"mfccs": [[{number}]]}}'):
        assert_short(client.simulate_post("/prediction/DNN", body=body), number)


def test_a_shape_with_many_sizes_is_cut(client: TestClient) -> None:
    body = json.dumps({"inputs": [tensor("mfccs", [VECTOR]) | {"shape": [2**31 - 1] * COUNT}]})
    assert_short(client.simulate_post("/v2/models/DNN/infer", body=body), str([2**31 - 1] * COUNT))


@pytest.mark.parametrize("text", TEXTS[:3] + TEXTS[4:])
def test_errors_of_paths_are_short(client: TestClient, text: str) -> None:
    name = quote(text[:1_000])
    for path in (
        f"/{name}",
        f"/v2/{name}",
        f"/v2/models/{name}",
        f"/v2/models/DNN/versions/{name}",
    ):
        assert_short(client.simulate_get(path), text)
    assert_short(client.simulate_post(f"/prediction/{name}", body="{}"), text)


def test_errors_of_headers_are_short(client: TestClient) -> None:
    for name in ("Content-Type", "Content-Encoding", "Inference-Header-Content-Length"):
        for value in ("Z" * COUNT, "9" * COUNT):
            headers = {name: value}
            path = "/v2/models/DNN/infer"
            assert_short(client.simulate_post(path, body="{}", headers=headers), value)


@pytest.mark.parametrize("value", [*TEXTS, [2**31 - 1] * COUNT, 10**300])
def test_a_shortened_value_has_at_most_a_hundred_characters(value: object) -> None:
    assert len(shortened(value)) <= 100


@pytest.mark.parametrize("value", ["DNN", "it's", "é", 5, [1, 25], True, 1e39])
def test_a_short_value_stays_as_it_is(value: object) -> None:
    assert shortened(value) == repr(value)
