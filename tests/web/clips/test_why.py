"""Why: which part of a clip carried the answer."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.support.sounds import load, silence, tone, write
from tests.web.conftest import OpenPage
from tests.web.device.conftest import visit as visit_with_files
from tests.web.visits import PHONE, Visit

__all__ = ["visit_with_files"]

# Where each bar of the strip begins and ends, as a share of the clip, and how high it is.
BARS = """rects => rects.filter(r => !r.matches(".zero")).map(rect => {
    const length = rect.ownerSVGElement.viewBox.baseVal.width;
    const [x, width] = [rect.x.baseVal.value, rect.width.baseVal.value];
    return [x / length, (x + width) / length, rect.height.baseVal.value];
})"""


@pytest.fixture
def late(original: Path, tmp_path: Path) -> Path:
    """A clip that begins with as much silence as it has sound."""
    samples, rate = load(original)
    clip = np.concatenate([silence(len(samples) / rate, rate), samples])
    return write(tmp_path / "late.wav", clip, rate)


def test_the_strip_shows_what_carried_the_answer(
    visit_with_files: OpenPage, late: Path, tmp_path: Path
) -> None:
    visited = visit_with_files().wait_for_agreement()
    # Screen readers tell changes of what is there already.
    said = visited.by_id("why-said")
    expect(said).to_have_role("status")
    assert said.evaluate("e => e.checkVisibility()")
    visited.analyse(late)
    strip = visited.by_id("why")
    expect(strip.get_by_role("img")).to_be_visible()
    bars = strip.locator("rect").evaluate_all(BARS)
    assert len(bars) > 4
    assert min(begin for begin, _, _ in bars) >= 0.5, "there is nothing to carry in the silence"
    assert 0 < max(height for _, _, height in bars) <= 1
    text = visited.by_id("why-text").inner_text()
    assert strip.get_by_role("img").get_attribute("aria-label") == text
    expect(said).to_have_text(text)
    captions = "fs => fs.every(f => [f.firstElementChild, f.lastElementChild]"
    captions += ".some(each => each.matches('figcaption')))"
    assert visited.page.locator("figure").evaluate_all(captions)
    assert {request.method for request in visited.requests} == {"GET"}, "nothing is posted"
    assert visited.severe_violations() == []

    visited.page.get_by_role("button", name="Listen to that part").press("Enter")
    cursor = strip.locator(".cursor")
    expect(cursor).to_be_visible()
    handle = cursor.element_handle()
    visited.page.wait_for_function("c => parseFloat(c.style.left) >= 50", arg=handle)

    # What gets no answer has nothing to explain.
    visited.upload(write(tmp_path / "tone.wav", tone(3), 22_050))
    expect(visited.by_id("source")).to_contain_text("tone.wav")
    visited.wait_for_result()
    expect(visited.by_id("why-figure")).to_be_hidden()
    expect(said).to_be_empty()


def requests_offered(visited: Visit) -> int:
    ask = visited.page.get_by_role("button", name="Find out with")
    return int("".join(filter(str.isdigit, ask.inner_text())))


def test_the_server_is_asked_only_on_demand(visit: OpenPage, original: Path) -> None:
    visited = visit(viewport=PHONE, color_scheme="dark").wait_for_agreement()
    visited.analyse(original)
    ask = visited.page.get_by_role("button", name="Find out with")
    expect(ask).to_be_visible()
    assert visited.severe_violations() == []
    posted, count = len(visited.predictions), requests_offered(visited)
    assert posted == 1
    ask.press("Enter")
    expect(visited.by_id("why-text")).to_be_focused()
    expect(visited.by_id("why").get_by_role("img")).to_be_visible()
    assert len(visited.predictions) == posted + count
    assert visited.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert visited.severe_violations() == []
