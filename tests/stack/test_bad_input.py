"""Bad input is answered with a problem document."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.support.harness import Server
from tests.support.problems import check_problem

NUMBERS = ["1"] * 25


def vector(*values: str) -> bytes:
    """A body with a vector of 25 coefficients that starts with the given JSON texts."""
    return b'{"mfccs":[%s]}' % ",".join([*values, *NUMBERS[len(values) :]]).encode()


@dataclass(frozen=True)
class Case:
    body: bytes
    status: int
    detail: str = ""  # a part of the detail
    pointer: str | None = None


CASES = {
    "empty": Case(b"", 400),
    "truncated": Case(b'{"mfccs":[1,2', 400),
    "not JSON": Case(b"mfccs", 400),
    "invalid UTF-8": Case(b'{"mfccs":"\xff\xfe"}', 400),
    "invalid UTF-8 in an unknown member": Case(vector()[:-1] + b',"a":"\xff"}', 400),
    "deep nesting": Case(b'{"mfccs":' + b"[" * 100_000, 400),
    "deep nesting, closed": Case(b'{"mfccs":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    "NaN": Case(vector("NaN"), 400),
    "Infinity": Case(vector("Infinity"), 400),
    "-Infinity": Case(vector("-Infinity"), 400),
    "no mfccs": Case(b"{}", 422, "mfccs", ""),
    "no object": Case(b"[]", 422, "object", ""),
    "mfccs null": Case(b'{"mfccs":null}', 422, "null", "/mfccs"),
    "mfccs text": Case(b'{"mfccs":"1"}', 422, "string", "/mfccs"),
    "mfccs empty": Case(b'{"mfccs":[]}', 422, "got 0", "/mfccs"),
    "null among the coefficients": Case(vector("1", "null"), 422, "null", "/mfccs/1"),
    "text among the coefficients": Case(vector("1", "1", '"1"'), 422, "string", "/mfccs/2"),
    "boolean among the coefficients": Case(vector("true"), 422, "boolean", "/mfccs/0"),
    "object among the coefficients": Case(vector("1", "{}"), 422, "object", "/mfccs/1"),
    "ragged rows": Case(
        b'{"mfccs":[[%s],[1,2]]}' % ",".join(NUMBERS).encode(), 422, "got 2", "/mfccs/1"
    ),
    "mixed rows": Case(
        b'{"mfccs":[[%s],1]}' % ",".join(NUMBERS).encode(), 422, "a number", "/mfccs/1"
    ),
    "number above float32": Case(vector("1", "1e39"), 422, "float32", "/mfccs/1"),
    "number above float64": Case(vector("1e999"), 422, "float32", "/mfccs/0"),
    "integer of 5,000 digits": Case(vector("9" * 5_000), 422, "float32", "/mfccs/0"),
    "24 coefficients": Case(b'{"mfccs":[%s]}' % b",".join([b"1"] * 24), 422, "got 24", "/mfccs"),
    "26 coefficients": Case(b'{"mfccs":[%s]}' % b",".join([b"1"] * 26), 422, "got 26", "/mfccs"),
}


def post(
    server: Server, body: bytes, path: str = "/prediction/DNN", **headers: str
) -> httpx.Response:
    headers = {"content-type": "application/json"} | headers
    return server.client.post(path, content=body, headers=headers)


@pytest.fixture(autouse=True)
def a_good_request_works_afterwards(server: Server) -> Iterator[None]:
    yield
    assert sum(result["prediction"] for result in server.predict()["results"]) == pytest.approx(1)


@pytest.mark.parametrize("name", CASES)
def test_a_bad_body_is_answered_with_a_problem(server: Server, name: str) -> None:
    case = CASES[name]
    problem = check_problem(post(server, case.body), case.status)
    assert case.detail in str(problem["detail"])
    assert problem.get("pointer") == case.pointer


def test_the_problem_of_an_unknown_network_names_the_existing_ones(server: Server) -> None:
    problem = check_problem(post(server, vector(), "/prediction/RNN"), 404)
    assert all(name in str(problem["detail"]) for name in ("RNN", "CNN", "DNN"))


def test_the_problem_of_another_media_type_names_the_expected_one(server: Server) -> None:
    problem = check_problem(post(server, vector(), **{"content-type": "text/plain"}), 415)
    assert "application/json" in str(problem["detail"])


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

    headers = {"content-type": "application/json"}
    response = server.client.post("/prediction/DNN", content=chunks(), headers=headers)
    check_problem(response, 413)


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


def test_unknown_members_are_ignored(server: Server) -> None:
    assert post(server, vector()[:-1] + b',"speaker":{"age":null}}').status_code == 200
