"""The copied commands give the results that the page shows."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.harness import Server
from tests.web.visits import Visit, visiting

CLIPBOARD = ["clipboard-read", "clipboard-write"]


@pytest.fixture(scope="module", params=["DNN", "DNN-prosody", "Frames"])
def visited(
    request: pytest.FixtureRequest, site: Server, browser: Browser, original: Path
) -> Iterator[Visit]:
    """A page with a result, from networks for vectors, for prosody too, and for frames."""
    with visiting(browser, str(site.client.base_url)) as open_page:
        visited = open_page(permissions=CLIPBOARD).wait_for_agreement()
        visited.choose(request.param)
        visited.analyse(original)
        yield visited


def copied(visited: Visit, name: str) -> str:
    visited.page.evaluate("navigator.clipboard.writeText('')")
    visited.page.get_by_role("button", name=name).click()
    expect(visited.by_id("copied")).to_have_text("Copied.")
    visited.page.wait_for_function("navigator.clipboard.readText().then(text => text !== '')")
    text: str = visited.page.evaluate("navigator.clipboard.readText()")
    return text


def check(visited: Visit, command: list[str], script: str) -> None:
    output = subprocess.run(command, input=script, capture_output=True, text=True, check=True)
    answer = {
        each["emotionType"]: each["prediction"] for each in json.loads(output.stdout)["results"]
    }
    assert answer == pytest.approx(visited.probabilities(), abs=1e-4)  # JSON is rounded


def test_the_copied_curl_gives_the_same_answer(visited: Visit) -> None:
    check(visited, ["sh"], copied(visited, "Copy as curl"))


def test_the_copied_python_gives_the_same_answer(visited: Visit) -> None:
    check(visited, [sys.executable, "-"], copied(visited, "Copy as Python"))
