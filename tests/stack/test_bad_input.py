"""Bad input is answered with a problem document."""

from collections.abc import Iterator

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
