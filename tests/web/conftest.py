import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import onnx
import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from configuration import ROOT, config_path, read_section
from server.stack import find_nginx
from tests.server.tiny_models import write_frame_network
from tests.stack.harness import Server, running
from tests.web.visits import FLAGS, Visit, listening_to, visiting
from training.settings import DataSettings

DIST = ROOT / "clients" / "web" / "dist"
MODELS = ROOT / "models"

Open = Callable[..., Visit]


def missing(reason: str) -> NoReturn:
    """Skips the test, but fails it in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own models, and a network that takes frames and knows three emotions."""
    directory = tmp_path_factory.mktemp("models")
    shutil.copytree(MODELS, directory, dirs_exist_ok=True)
    metadata = {p.key: p.value for p in onnx.load(MODELS / "mfcc.onnx").metadata_props}
    write_frame_network(
        directory,
        "Frames",
        recipe=json.loads(metadata["recipe"]),
        distance_limit=1000.0,
        metrics={"protocol": "none: made for a test", "speakerIndependentUar": 0.1},
    )
    return directory


@pytest.fixture(scope="session")
def site(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The whole stack with the built page, shared by the tests."""
    if not find_nginx():
        missing("Nginx is missing: sudo apt-get install nginx")
    if not (DIST / "index.html").exists():
        missing("the page is not built: cd clients/web && npm ci && npm run build")
    with running(tmp_path_factory.mktemp("run"), SER_MODELS_DIRECTORY=models) as server:
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
def originals() -> list[Path]:
    """RAVDESS recordings as published, 48 kHz, one for each emotion."""
    source = read_section(DataSettings, "data", config_path()).source_path
    recordings = sorted((source.parent / "ravdess-48k").glob("*.wav"))
    if not recordings:
        missing(f"no 48 kHz recordings in {source.parent / 'ravdess-48k'}: see [data] source_path")
    return recordings


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
