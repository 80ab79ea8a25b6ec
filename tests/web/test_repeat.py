"""The copied commands are run, and give what the page shows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Open
from tests.web.visits import Visit

CLIPBOARD = ["clipboard-read", "clipboard-write"]


@pytest.fixture(params=["DNN", "Frames"])
def visited(request: pytest.FixtureRequest, visit: Open, original: Path) -> Visit:
    """A page that has heard a clip, by a network of either kind of input."""
    visited = visit(permissions=CLIPBOARD)
    visited.wait_for_agreement()
    visited.page.get_by_role("radio", name=request.param).check()
    visited.upload(original)
    visited.wait_for_result()
    return visited


def copied(visited: Visit, name: str) -> str:
    visited.page.get_by_role("button", name=name).click()
    expect(visited.by_id("copied")).to_have_text("Copied.")
    text: str = visited.page.evaluate("navigator.clipboard.readText()")
    return text


def check(visited: Visit, command: list[str], script: str) -> None:
    output = subprocess.run(command, input=script, capture_output=True, text=True, check=True)
    answer = {
        each["emotionType"]: each["prediction"] for each in json.loads(output.stdout)["results"]
    }
    assert answer == pytest.approx(visited.probabilities())


def test_the_copied_curl_gives_the_same_answer(visited: Visit) -> None:
    check(visited, ["sh"], copied(visited, "Copy as curl"))


def test_the_copied_python_gives_the_same_answer(visited: Visit) -> None:
    check(visited, [sys.executable, "-"], copied(visited, "Copy as Python"))
