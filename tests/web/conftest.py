import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from configuration import ROOT
from tests.support.harness import Server, running
from tests.support.hostile.faulty_proxy import FaultyProxy, replaced_by
from tests.support.missing import missing
from tests.support.web.browser import FLAGS, launch_with_microphone
from tests.web.visits import Visit, visiting

MOST_PREDICTIONS = 100  # of one page in a test
DIST = ROOT / "clients" / "web" / "dist"

OpenPage = Callable[..., Visit]


def best_network(site: Server) -> dict[str, Any]:
    """The network that the page selects: best on other corpora, if that was measured."""

    def rank(network: dict[str, Any]) -> tuple[bool, float]:
        other = network["otherCorpora"]
        return other is not None, (other or {"uar": network["speakerIndependentUar"]})["uar"]

    networks: list[dict[str, Any]] = site.client.get("/init/configuration").json()["networks"]
    return max(networks, key=rank)


@pytest.fixture(scope="session")
def built_page() -> None:
    """The page must be built."""
    if not (DIST / "index.html").exists():
        missing("the page is not built: `scripts/page` builds it")


@pytest.fixture(scope="session")
def site(
    built_page: None,
    nginx: Path,
    models_with_frames: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server that does not offer the networks' files, so that the page asks it."""
    settings = {"SER_MODELS_DIRECTORY": models_with_frames, "SER_MODELS_DOWNLOADS": "no"}
    with running(tmp_path_factory.mktemp("run"), **settings) as server:
        yield server


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium, which replaces Playwright's own."""
    return shutil.which("chromium") or missing("Chromium is missing: apt-get install chromium")


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """A browser without a microphone, shared by the tests."""
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def visit(site: Server, browser: Browser) -> Iterator[OpenPage]:
    """Opens the page, each time in a new browser context."""
    with visiting(browser, str(site.client.base_url)) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def shared_page(site: Server, browser: Browser) -> Iterator[Visit]:
    """A page with a verified extractor, shared by the tests of a module."""
    with visiting(browser, str(site.client.base_url)) as open_page:
        visited = open_page().wait_for_agreement()
        yield visited


@pytest.fixture
def proxy(site: Server) -> Iterator[FaultyProxy]:
    """A proxy before the server; it serves the page below a path, with some answers replaced."""
    with FaultyProxy(str(site.client.base_url)) as proxy:
        yield proxy


@pytest.fixture
def open_through(proxy: FaultyProxy, browser: Browser) -> Iterator[OpenPage]:
    """Opens the page through the proxy."""
    with visiting(browser, f"{proxy.url}/") as open_page:
        yield open_page


@pytest.fixture
def prediction(site: Server, proxy: FaultyProxy) -> str:
    """The path of the network that the page selects by default; the proxy refuses binary."""
    name = best_network(site)["networkType"]
    proxy.faults[f"/v2/models/{name}/infer"] = [replaced_by(404)] * MOST_PREDICTIONS
    return f"/prediction/{name}"


@pytest.fixture(scope="session")
def original(originals: list[Path]) -> Path:
    """One of the original recordings, 3.5 s long."""
    return originals[4]


@pytest.fixture(scope="session")
def browser_with_microphone(
    playwright: Playwright, chromium: str, original: Path
) -> Iterator[Browser]:
    """A browser whose microphone repeats a real clip, shared by the tests."""
    browser = launch_with_microphone(playwright, chromium, original, allowed=True)
    yield browser
    browser.close()


@pytest.fixture
def visit_with_microphone(site: Server, browser_with_microphone: Browser) -> Iterator[OpenPage]:
    """Opens the page in a browser with a microphone."""
    with visiting(browser_with_microphone, str(site.client.base_url)) as open_page:
        yield open_page
