"""The problems that Nginx sends itself."""

import json
import re
from pathlib import Path

from server.launch.nginx.configuration import render
from server.launch.runtime_directory import Runtime
from server.problems.documents import TYPE_PREFIX
from server.problems.messages import NGINX_KINDS
from server.settings import ServerSettings
from tests.support.openapi import description

LOCATION = re.compile(r"location = /\.problem/(\w+) {(.*?)\n        }", re.DOTALL)
BODY = re.compile(r"'({.*})'")


def test_every_location_returns_a_problem_of_the_table() -> None:
    text = render(ServerSettings(), Runtime(Path("/runtime")), ())
    locations = dict(LOCATION.findall(text))
    assert locations.keys() == NGINX_KINDS.keys()
    for name in locations.keys() - {"429", "503"}:
        kind, document = NGINX_KINDS[name], body(locations[name])
        assert document["type"] == TYPE_PREFIX + kind.slug
        assert f"return {document['status']} " in locations[name]
        assert document["status"] == kind.status


def test_refusals_have_both_forms() -> None:
    text = render(ServerSettings(), Runtime(Path("/runtime")), ())
    for variable, name in (("too_many_requests", "429"), ("overload", "503")):
        error, problem = text.partition(f"${variable} {{")[2].split("\n")[1:3]
        assert body(error) == {"error": NGINX_KINDS[name].detail}
        assert body(problem)["detail"] == NGINX_KINDS[name].detail


def body(text: str) -> dict[str, object]:
    found = BODY.search(text)
    assert found
    document: dict[str, object] = json.loads(found[1])
    return document


def test_no_text_ends_the_quotes_around_it() -> None:
    for kind in NGINX_KINDS.values():
        assert not set("'\\\"") & set(kind.detail)


def test_the_examples_of_the_description_quote_the_table() -> None:
    for response in ("Refused", "Failed", "FileReplaced"):
        content = description()["components"]["responses"][response]["content"]
        example = content["application/problem+json"]["example"]
        slugs = {TYPE_PREFIX + kind.slug: kind for kind in NGINX_KINDS.values()}
        assert example["detail"] == slugs[example["type"]].detail
