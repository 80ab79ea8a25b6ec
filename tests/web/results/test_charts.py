"""The charts: one time for all, labels that can be read, and every moment within reach."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.support.sounds import several, silence, write
from tests.web.visits import Visit

# The share of an element's width at which another one begins, and its width.
PLACE = """([inner, outer]) => {
    const [a, b] = [inner, outer].map(s => document.querySelector(s).getBoundingClientRect());
    return [(a.left - b.left) / b.width, a.width / b.width];
}"""
CLIPPED = """labels => labels.filter(
    label => label.checkVisibility() && label.offsetWidth > label.parentElement.clientWidth
).length"""


@pytest.fixture(scope="module")
def visited(
    shared_page: Visit, originals: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Visit:
    """The result of half a minute of several emotions."""
    path = tmp_path_factory.mktemp("sound") / "several.wav"
    shared_page.analyse(write(path, several(originals, 22_050, 30), 22_050))
    return shared_page


def test_a_long_timeline_can_be_read(visited: Visit) -> None:
    labels = visited.page.locator("#timeline .names b")
    assert labels.count() >= 3
    assert labels.evaluate_all(CLIPPED) == 0
    ticks = visited.page.locator("#timeline-axis span")
    assert ticks.all_inner_texts() == ["0:00", "0:05", "0:10", "0:15", "0:20", "0:25"]
    legend = visited.by_id("timeline-legend").locator("li")
    assert legend.count() == len(visited.probabilities())
    visited.screenshot("mixed")


def test_a_click_on_the_timeline_plays(visited: Visit) -> None:
    box = visited.by_id("timeline").bounding_box()
    assert box
    visited.by_id("timeline").click(position={"x": 0.5 * box["width"], "y": 10})
    visited.by_id("playback").evaluate(
        "audio => audio.paused && new Promise(done => audio.onplay = done)"
    )
    assert visited.by_id("playback").evaluate("audio => (audio.pause(), audio.currentTime)") >= 14


def test_the_keyboard_reaches_every_moment(visited: Visit) -> None:
    slider = visited.page.get_by_role("slider")
    slider.focus()
    slider.press("Home")
    expect(visited.by_id("moment")).to_contain_text("0:00\u20130:03: ")
    slider.press("ArrowRight")
    expect(visited.by_id("moment")).to_contain_text("0:01\u20130:04: ")
    spoken = slider.get_attribute("aria-valuetext")
    assert spoken == visited.by_id("moment").inner_text()
    slider.press("Enter")
    visited.by_id("playback").evaluate(
        "audio => audio.paused && new Promise(done => audio.onplay = done)"
    )


def rectangle(visited: Visit, selector: str) -> tuple[float, float]:
    left, width = visited.page.evaluate(PLACE, [selector, "#timeline"])
    return left, width


def test_charts_and_their_labels_agree_from_right_to_left(visited: Visit) -> None:
    visited.page.evaluate("document.documentElement.dir = 'rtl'")
    for selector in ("#timeline rect", "#timeline .names span", "#timeline-axis span"):
        left, _ = rectangle(visited, selector)
        assert left == pytest.approx(0, abs=0.02), selector
    visited.page.evaluate("document.documentElement.dir = ''")


def test_the_heat_map_stands_below_its_sound(
    shared_page: Visit, originals: list[Path], tmp_path: Path
) -> None:
    samples = [silence(1), several(originals, 22_050, 1.5), silence(0.5)]
    path = write(tmp_path / "late.wav", np.concatenate(samples), 22_050)
    shared_page.analyse(path)
    expect(shared_page.by_id("source")).to_contain_text("late.wav")
    left, width = shared_page.page.evaluate(PLACE, ["#heatmap", "#waveform"])
    assert left >= 1 / 3 - 0.02
    assert left + width <= 5 / 6 + 0.03
    assert width > 0.2
