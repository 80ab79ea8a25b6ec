"""Two pages of one origin, each below a path of its own, work offline beside each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.harness import Server
from tests.support.machine.outer_nginx import outer_nginx
from tests.web.visits import visiting

LOCATION = """\
    location {path} {{
        proxy_pass {server}/;
        proxy_set_header Host $http_host;
    }}
"""
PATHS = ("/emotion/", "/assets/")  # the second is the name of a folder of the page too
# What the page gets in place of the handshake, with another one in its caches.
FETCHED = """async () => {
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        const url = new URL("init/configuration", location.href);
        if (await cache.match(url)) await cache.put(url, new Response("outdated"));
    }
    return (await fetch("init/configuration")).text();
}"""


@pytest.fixture
def origin(
    built_page: None, nginx: Path, server_with_frames: Server, tmp_path: Path
) -> Iterator[str]:
    """The address of a proxy with the paths."""
    server = str(server_with_frames.client.base_url).rstrip("/")
    locations = [LOCATION.format(path=path, server=server) for path in PATHS]
    with outer_nginx(nginx, tmp_path, "".join(locations)) as address:
        yield address


def test_two_pages_of_one_origin_work_offline(origin: str, browser: Browser) -> None:
    with visiting(browser, f"{origin}{PATHS[0]}") as open_page:
        visited = open_page()
        for path in PATHS:
            visited.page.goto(f"{origin}{path}")
            visited.wait_for_agreement()
            expect(visited.by_id("offline")).to_be_visible()
        assert "numberOfMfccs" in visited.page.evaluate(FETCHED)
        visited.page.context.set_offline(True)
        visited.page.goto(f"{origin}{PATHS[0]}")
        visited.wait_for_agreement()
