"""Bad input is answered with a problem document."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.harness import Server
from tests.support.problems import check_problem

NUMBERS = ["1"] * 25


def vector(*values: str) -> bytes:
    """A body with a vector of 25 coefficients that starts with the given JSON texts."""
    return b'{"mfccs":[%s]}' % ",".join([*values, *NUMBERS[len(values) :]]).encode()


# A few of the bodies that tests/server/api/test_prediction.py sends without a network.
BODIES = {
    "empty": (b"", 400),
    "truncated": (b'{"mfccs":[1,2', 400),
    "invalid UTF-8": (b'{"mfccs":"\xff\xfe"}', 400),
    "deep nesting": (b'{"mfccs":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    "NaN": (vector("NaN"), 400),
    "no object": (b"[]", 422),
    "integer of 5,000 digits": (vector("9" * 5_000), 422),
}


def post(server: Server, body: bytes | Iterator[bytes]) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return server.client.post("/prediction/DNN", content=body, headers=headers)


@pytest.fixture(autouse=True)
def a_good_request_works_afterwards(server: Server) -> Iterator[None]:
    yield
    assert sum(result["prediction"] for result in server.predict()["results"]) == pytest.approx(1)


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_answered_with_a_problem(server: Server, name: str) -> None:
    body, status = BODIES[name]
    problem = check_problem(post(server, body), status)
    assert ("pointer" in problem) == (status == 422)


def with_members(path: str, value: object) -> bytes:
    """Two frames with prosody and a baseline, and another value at a JSON pointer."""
    moments = {
        name: {"mean": [0.0] * width, "spread": [1.0] * width}
        for name, width in (("mfccs", 25), ("prosody", 3))
    }
    body = {
        "mfccs": [[1.0] * 25] * 2,
        "prosody": [[2.0, 0.5, -20.0], [0.0, 0.1, -40.0]],
        "baseline": {"clips": 7} | moments,
    }
    *parents, last = path.split("/")[1:]
    found: Any = body
    for part in parents:
        found = found[int(part) if isinstance(found, list) else part]
    found[int(last) if isinstance(found, list) else last] = value
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        ("/prosody", [[0.0, 0.0, 0.0]], "/prosody"),
        ("/prosody/1", [0.0, 0.0], "/prosody/1"),
        ("/prosody/1/2", 1e39, "/prosody/1/2"),
        ("/baseline/mfccs/mean", [0.0] * 24, "/baseline/mfccs/mean"),
        ("/baseline/mfccs/spread/3", -0.5, "/baseline/mfccs/spread/3"),
        ("/baseline/clips", 0, "/baseline/clips"),
    ],
)
def test_bad_prosody_or_a_bad_baseline_is_answered_with_its_pointer(
    server: Server, path: str, value: object, pointer: str
) -> None:
    for network in ("DNN", "TCN"):
        answer = server.client.post(f"/prediction/{network}", content=with_members(path, value))
        problem = check_problem(answer, 422)
        assert problem["type"] == "urn:problem:speech-emotion:invalid-features"
        assert problem["pointer"] == pointer


def test_prosody_without_frames_is_answered_with_a_problem(server: Server) -> None:
    problem = check_problem(post(server, b'{"prosody":[[2,0.5,-20]]}'), 422)
    assert problem["pointer"] == ""
    assert problem["detail"] == 'The member "mfccs" is missing.'


def test_prosody_and_a_baseline_are_accepted(server: Server) -> None:
    body = with_members("/baseline/clips", 1_000_000)
    for network in ("DNN", "TCN"):
        answer = server.client.post(f"/prediction/{network}", content=body)
        assert answer.status_code == 200, answer.text


def test_a_body_over_one_mebibyte_is_refused(server: Server) -> None:
    problem = check_problem(post(server, b" " * 1_048_577), 413)
    assert problem == {
        "type": "urn:problem:speech-emotion:body-too-large",
        "title": "Body too large",
        "status": 413,
        "detail": "The body is larger than 1,048,576 bytes.",
        "maximumBytes": 1_048_576,
    }


def test_a_chunked_body_over_one_mebibyte_is_refused(server: Server) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(17):
            yield b" " * 65_536

    check_problem(post(server, chunks()), 413)


def test_a_body_of_one_mebibyte_is_accepted(server: Server) -> None:
    body = vector()
    assert post(server, body + b" " * (1_048_576 - len(body))).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_the_problem_of_a_wrong_method_names_the_allowed_ones(server: Server, method: str) -> None:
    response = server.client.request(method, "/prediction/DNN")
    check_problem(response, 405)
    assert "POST" in response.headers["allow"]


def test_an_unknown_path_is_answered_with_a_problem(server: Server) -> None:
    check_problem(server.client.get("/nowhere"), 404)
