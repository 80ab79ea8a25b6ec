"""The API documentation page: complete, and without scripts."""

import pytest
from playwright.sync_api import expect

from tests.support.harness import Server
from tests.support.openapi import METHODS, description
from tests.web.conftest import OpenPage
from tests.web.visits import PHONE


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_severe_in_the_documentation(
    visit: OpenPage, site: Server, scheme: str
) -> None:
    visited = visit(f"{site.client.base_url}/docs", color_scheme=scheme, viewport=PHONE)
    expect(visited.page.get_by_role("heading", level=1)).to_contain_text(
        description()["info"]["title"]
    )
    assert visited.severe_violations() == []
    assert visited.page.evaluate("document.scripts.length") == 0
    assert visited.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_every_operation_and_schema_can_be_reached(visit: OpenPage, site: Server) -> None:
    page = visit(f"{site.client.base_url}/docs").page
    operations = [
        path[method]["operationId"]
        for path in description()["paths"].values()
        for method in METHODS & path.keys()
    ]
    for name in operations:
        expect(page.locator(f"nav a[href='#{name}']")).to_have_count(1)
        expect(page.locator(f"article#{name}")).to_have_count(1)
    for name in description()["components"]["schemas"]:
        expect(page.locator(f"article#schema-{name}")).to_have_count(1)
    dead = page.evaluate(
        "[...document.links].filter(a => a.hash && !document.querySelector(a.hash)).length"
    )
    assert dead == 0


def test_the_documentation_has_the_strict_policy(site: Server) -> None:
    policies = {
        site.client.get(path).headers["content-security-policy"]
        for path in ("/", "/docs", "/docs.html")
    }
    assert len(policies) == 1
