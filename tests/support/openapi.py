"""Checks requests and responses against server/openapi.yaml."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs
import yaml

from configuration import ROOT

DESCRIPTION = ROOT / "server" / "openapi.yaml"
METHODS = frozenset({"get", "post", "put", "delete"})
JSON = re.compile(r"application/([\w.-]+\+)?json")


@dataclass(frozen=True)
class Exchange:
    """A request and its response."""

    method: str
    path: str  # without the query
    request: bytes | None  # None: it was sent in chunks
    status: int
    headers: Mapping[str, str]  # names in lower case
    content: bytes


@cache
def description() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    return found


def check(exchange: Exchange, *, with_headers: bool) -> None:
    """Asserts that the exchange conforms to the description; skips paths that it does not have.

    with_headers: whether to check headers too; Nginx adds some of them.
    """
    path = find_path(exchange.path)
    if path is None or exchange.method == "OPTIONS":
        return
    operation = find_operation(path, exchange.method)
    where = f"{exchange.method} {exchange.path}, {exchange.status}"
    response = find_response(operation, exchange.status)
    assert response, f"{where}: the description lacks this status"
    if exchange.status < 300 and exchange.request is not None and "requestBody" in operation:
        schema = resolve(operation["requestBody"])["content"]["application/json"]["schema"]
        check_schema(schema, json_part(exchange.request), f"{where}: accepted")
    if with_headers:
        check_headers(response.get("headers", {}), exchange.headers, where)
    if exchange.method != "HEAD":
        check_content(response.get("content", {}), exchange, where)


def json_part(content: bytes) -> Any:
    """The JSON at the start of a request body; binary tensors may follow it."""
    text = content.decode(errors="surrogateescape")
    found, _ = json.JSONDecoder().raw_decode(text.lstrip())
    return found


def find_path(path: str) -> dict[str, Any] | None:
    for template, found in description()["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            return dict(found)
    return None


def find_operation(path: dict[str, Any], method: str) -> dict[str, Any]:
    """The operation; for a method that is not allowed, any operation of the path."""
    name = {"head": "get"}.get(method.lower(), method.lower())
    operation: dict[str, Any] = path.get(name) or next(path[m] for m in METHODS if m in path)
    return operation


def find_response(operation: dict[str, Any], status: int) -> dict[str, Any] | None:
    responses = operation["responses"]
    found = responses.get(str(status)) or responses.get(f"{status // 100}XX")
    return resolve(found) if found else None


def resolve(item: dict[str, Any]) -> dict[str, Any]:
    """Follows `$ref`."""
    while "$ref" in item:
        target: Any = description()
        for part in item["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        item = target
    return item


def check_headers(described: dict[str, Any], headers: Mapping[str, str], where: str) -> None:
    for name, reference in described.items():
        header, value = resolve(reference), headers.get(name.lower())
        if value is None:
            assert not header.get("required"), f"{where}: the header {name} is missing"
            continue
        number = header["schema"].get("type") == "integer"
        check_schema(header["schema"], int(value) if number else value, f"{where}: {name}")


def check_content(described: dict[str, Any], exchange: Exchange, where: str) -> None:
    kind = exchange.headers.get("content-type", "").partition(";")[0]
    if not described:
        assert not exchange.content, f"{where}: the description has no content"
        return
    assert kind in described, f"{where}: the description lacks {kind}"
    if JSON.fullmatch(kind):
        check_schema(described[kind]["schema"], json.loads(exchange.content), where)


def check_schema(schema: dict[str, Any], value: Any, where: str) -> None:
    errors = [error.message for error in validator(json.dumps(schema)).iter_errors(value)]
    assert not errors, f"{where}: {errors[:3]}"


@cache
def validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    components = {"components": description()["components"]}
    return jsonschema_rs.Draft202012Validator(json.loads(schema) | components)
