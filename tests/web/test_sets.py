"""The page with networks of two sets: a choice of all, and the emotions of the chosen one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.harness import Server, running
from tests.support.models.shipped import copy_sets
from tests.web.visits import visiting


@pytest.fixture(scope="module")
def server(
    built_page: None, nginx: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of German networks beside the others."""
    sets = copy_sets(tmp_path_factory.mktemp("sets") / "sets")
    settings = {"SER_MODELS_DIRECTORY": sets, "SER_SERVER_WORKERS": 1}
    with running(tmp_path_factory.mktemp("run"), **settings) as server:
        yield server


def test_the_page_predicts_with_a_network_of_a_set(
    server: Server, browser: Browser, original: Path
) -> None:
    with visiting(browser, str(server.client.base_url)) as open_page:
        visited = open_page().wait_for_agreement()
        visited.upload(original)
        visited.wait_for_result()
        assert "bored" not in visited.probabilities()
        visited.choose("German-TCN")
        expect(visited.by_id("source")).to_contain_text("predicted by German-TCN")
        assert "bored" in visited.probabilities()
