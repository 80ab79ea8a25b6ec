"""What the page says about the quality of networks that were measured on other corpora."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.support.harness import Server, running
from tests.support.models.measured import write_measured_models
from tests.web.conftest import OpenPage
from tests.web.visits import DESKTOP, PHONE, Visit, members, visiting


@pytest.fixture(scope="module")
def recall_site(
    site: Server, nginx: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with a network of two corpora, and one of one corpus with a higher recall."""
    models = tmp_path_factory.mktemp("models")
    write_measured_models(models)
    settings = {"SER_MODELS_DIRECTORY": models, "SER_MODELS_DOWNLOADS": "no"}
    with running(tmp_path_factory.mktemp("run"), **settings) as server:
        yield server


@pytest.fixture
def visit(recall_site: Server, browser: Browser) -> Iterator[OpenPage]:
    with visiting(browser, str(recall_site.client.base_url)) as open_page:
        yield open_page


def option(visited: Visit, network: str) -> Locator:
    """The label of a network."""
    return visited.page.locator("#networks label", has_text=network)


@pytest.mark.parametrize(("name", "viewport"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_recall_on_other_corpora_is_the_headline(
    visit: OpenPage, name: str, viewport: dict[str, int]
) -> None:
    visited = visit(viewport=viewport, reduced_motion="reduce").wait_for_agreement()
    visited.open_advanced()
    expect(visited.page.get_by_role("radio", checked=True)).to_have_value("World")
    expect(option(visited, "World").locator(".hint")).to_have_text(
        [
            "41% right on recordings from elsewhere",
            "62% right on new voices in known recordings",
            "guessing: 25%; listeners: 60%",
        ]
    )
    details = visited.by_id("network-details")
    expect(details).to_contain_text("ten clips of your usual voice, it is 46% right")
    details.get_by_text("By source of the recordings").click()
    expect(details.locator("tbody tr")).to_have_text(
        ["Studio41%62%25%60%", "Street41%62%25%\u2013"]
    )
    visited.screenshot(f"recall-{name}")
    assert visited.severe_violations() == []
    width = visited.page.evaluate("document.documentElement.scrollWidth")
    assert width <= viewport["width"], "the page scrolls sideways"


def test_a_network_of_one_corpus_says_that_it_was_not_measured_elsewhere(visit: OpenPage) -> None:
    visited = visit()
    expect(option(visited, "Studio").locator(".hint")).to_have_text(
        [
            "70% right on new voices in known recordings",
            "guessing: 33%",
            "Not measured on recordings from elsewhere: expect less there.",
        ]
    )
    visited.choose("Studio")
    expect(visited.by_id("network-details").locator("table")).to_have_count(0)


def test_a_frame_network_gets_prosody_of_each_frame(visit: OpenPage, original: Path) -> None:
    visited = visit().wait_for_agreement()
    visited.analyse(original)
    (post,) = visited.predictions
    sent = members(post)
    assert np.shape(sent["prosody"]) == (len(sent["mfccs"]), 3)
