import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from configuration import ROOT
from tests.support.harness import Server, running
from tests.support.missing import missing
from tests.web.visits import FLAGS, Visit, listening_to, visiting

DIST = ROOT / "clients" / "web" / "dist"
MODELS = ROOT / "models"

Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def site(
    nginx: Path,  # nobody starts the stack without it
    models_with_frames: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """The whole stack with the built page, shared by the tests."""
    if not (DIST / "index.html").exists():
        missing("the page is not built: cd clients/web && npm ci && npm run build")
    with running(tmp_path_factory.mktemp("run"), SER_MODELS_DIRECTORY=models_with_frames) as server:
        yield server


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium: Playwright's own is not downloaded."""
    return shutil.which("chromium") or missing("Chromium is missing: apt-get install chromium")


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """A browser on a machine without a microphone, shared by the tests."""
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def visit(site: Server, browser: Browser) -> Iterator[Open]:
    """Opens the page, in as many fresh contexts as a test needs."""
    with visiting(browser, str(site.client.base_url)) as open_page:
        yield open_page


@pytest.fixture(scope="session")
def original(originals: list[Path]) -> Path:
    """One of them, 3.5 s long."""
    return originals[4]


@pytest.fixture
def spoken_to(
    site: Server, playwright: Playwright, chromium: str, original: Path
) -> Iterator[Open]:
    """Opens the page in a browser whose microphone hears a real clip."""
    browser = listening_to(playwright, chromium, original, allowed=True)
    with visiting(browser, str(site.client.base_url)) as open_page:
        yield open_page
    browser.close()
