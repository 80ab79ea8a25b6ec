"""The API description, and the checks of exchanges against it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from configuration import ROOT
from server import VERSION
from server.problems import messages
from server.problems.documents import TYPE_PREFIX
from server.problems.messages import ProblemKind
from tests.support.openapi import Exchange, check, description

PATH = "/prediction/DNN"
# Errors under /v2 have another form, without a type.
OF_INFERENCE = {
    f"{TYPE_PREFIX}{slug}"
    for slug in ("batch-too-large", "invalid-inference-request", "not-supported", "unknown-version")
}
NEVER_SENT = {f"{TYPE_PREFIX}client-gone"}
RESULTS = [{"emotionType": "angry", "prediction": 0.25}, {"emotionType": "sad", "prediction": 0.75}]
GOOD = {"results": RESULTS}


def exchange(answer: Any, status: int = 200, kind: str = "application/json", **others: Any) -> None:
    members = {
        "method": "POST",
        "path": PATH,
        "request": json.dumps({"mfccs": [0.0] * 25}).encode(),
        "headers": {"content-type": kind, "x-request-id": "a"},
    } | others
    content = json.dumps(answer).encode()
    check(Exchange(status=status, content=content, **members), with_headers=True)


def test_an_exchange_that_conforms_passes() -> None:
    exchange(GOOD)


@pytest.mark.parametrize(
    ("departure", "message"),
    [
        ({"answer": {"results": RESULTS[:1]}}, "less than 2 items"),
        ({"answer": GOOD | {"extra": 1}}, "extra"),
        ({"answer": GOOD, "status": 201}, "lacks this status"),
        ({"answer": GOOD, "kind": "text/plain"}, "text/plain"),
        ({"answer": GOOD, "headers": {"content-type": "application/json"}}, "X-Request-Id"),
        ({"answer": GOOD, "request": b'{"mfccs": [1]}'}, "accepted"),
        ({"answer": {}, "status": 404, "kind": "application/problem+json"}, "required"),
    ],
)
def test_an_exchange_that_does_not_conform_fails(departure: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        exchange(**departure)


def test_the_types_of_problems_are_those_of_the_table() -> None:
    described = description()["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    kinds = [value for value in vars(messages).values() if isinstance(value, ProblemKind)]
    assert set(described) == {TYPE_PREFIX + kind.slug for kind in kinds} - OF_INFERENCE - NEVER_SENT


def test_the_versions_agree() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == VERSION
    assert description()["info"]["version"] == VERSION


def schemas(part: Any) -> Iterator[dict[str, Any]]:
    """Every object in a part of the description."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part:
        if isinstance(inner, dict | list):
            yield from schemas(inner)


def test_the_only_alternative_of_a_type_is_null() -> None:
    # Code generators make types of other alternatives that cannot be used.
    for schema in schemas(description()):
        assert "oneOf" not in schema
        types, choices = schema.get("type"), schema.get("anyOf", [])
        assert not isinstance(types, list) or len(set(types) - {"null"}) == 1, schema
        assert sum(choice.get("type") != "null" for choice in choices) <= 1, schema


def test_every_array_says_what_it_holds() -> None:
    for schema in schemas(description()["components"]["schemas"]):
        assert schema.get("type") != "array" or "items" in schema, schema
