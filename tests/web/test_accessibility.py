from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.sounds import noise, several, tone, write
from tests.web.conftest import OpenPage
from tests.web.visits import DESKTOP, PHONE, Visit, recorded_for

VIEWPORTS = {"desktop": DESKTOP, "phone": PHONE}
LOOKS = [(scheme, name) for scheme in ("light", "dark") for name in VIEWPORTS]


@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_axe_finds_nothing_severe(
    visit: OpenPage, originals: list[Path], tmp_path: Path, look: tuple[str, str]
) -> None:
    scheme, size = look
    name = f"{scheme}-{size}"
    # Without motion: axe must not measure colours during a transition.
    visited = visit(
        color_scheme=scheme, viewport=VIEWPORTS[size], reduced_motion="reduce"
    ).wait_for_agreement()
    assert visited.severe_violations() == []
    visited.screenshot(f"first-view-{name}")

    visited.analyse(write(tmp_path / "talk.wav", several(originals, 22_050, 9), 22_050))
    visited.page.get_by_text("The timeline as a table").click()
    visited.by_id("log-summary").click()
    visited.page.get_by_role("button", name="Copy as curl").click()
    assert visited.severe_violations() == []
    visited.screenshot(f"result-{name}")

    visited.upload(write(tmp_path / "tone.wav", tone(3), 22_050))
    expect(visited.by_id("warning")).to_be_visible()
    assert visited.severe_violations() == []

    visited.upload(write(tmp_path / "short.wav", noise(0.01), 22_050))
    visited.expect_fault("too-short")
    assert visited.severe_violations() == []
    visited.screenshot(f"fault-{name}")


def press_until(visited: Visit, key: str, selector: str) -> None:
    """Presses a key until the element that matches the selector has the focus."""
    for _ in range(60):
        visited.page.keyboard.press(key)
        if visited.page.evaluate("s => document.activeElement.matches(s)", selector):
            break
    else:
        pytest.fail(f"{key} never reaches {selector}")


def test_every_function_works_with_the_keyboard(
    visit_with_microphone: OpenPage, original: Path
) -> None:
    visited = visit_with_microphone(permissions=["clipboard-read", "clipboard-write", "microphone"])
    visited.page.on("filechooser", lambda chooser: chooser.set_files(original))
    visited.wait_for_agreement()
    keyboard = visited.page.keyboard

    press_until(visited, "Tab", "#file")
    drop = visited.by_id("drop")
    assert drop.evaluate("drop => getComputedStyle(drop).outlineStyle") == "solid"
    keyboard.press("Enter")
    visited.wait_for_result()

    press_until(visited, "Tab", "#playback")
    press_until(visited, "Tab", "#copy-curl")
    keyboard.press("Enter")
    expect(visited.by_id("copied")).to_have_text("Copied.")

    press_until(visited, "Tab", "#advanced > summary")
    keyboard.press("Enter")
    press_until(visited, "Tab", "input[name=network]")
    before = visited.by_id("source").inner_text()
    keyboard.press("ArrowDown")
    expect(visited.by_id("source")).not_to_have_text(before)
    visited.wait_for_result()

    press_until(visited, "Tab", "#log summary")
    keyboard.press("Enter")
    expect(visited.by_id("log-rows")).to_be_visible()

    press_until(visited, "Shift+Tab", "#record")
    keyboard.press("Space")
    expect(visited.by_id("elapsed")).to_have_text(recorded_for(1))
    keyboard.press("Space")
    expect(visited.by_id("source")).to_contain_text("Recording from the microphone")

    press_until(visited, "Tab", "#live")
    keyboard.press("Enter")
    expect(visited.by_id("source")).to_contain_text("Live")
    keyboard.press("Enter")
    expect(visited.page.get_by_role("button", name="Listen live")).to_be_focused()


def test_the_skip_link_moves_the_focus_to_the_result(visit: OpenPage) -> None:
    visited = visit()
    visited.page.keyboard.press("Tab")
    skip = visited.page.get_by_role("link", name="Skip to the result")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    visited.page.keyboard.press("Enter")
    expect(visited.by_id("result")).to_be_focused()


def test_the_result_is_announced_to_screen_readers(visit: OpenPage, original: Path) -> None:
    visited = visit().wait_for_agreement()
    spoken = visited.by_id("winner")
    expect(spoken).to_have_role("status")
    visited.upload(original)
    expect(spoken).not_to_have_text("No recording yet.")
    bars = visited.page.get_by_role("list", name="Probability of each emotion")
    expect(bars.get_by_role("listitem").first).to_have_text("angry" + f"{share(visited)}%")


def share(visited: Visit) -> int:
    return round(100 * visited.probabilities()["angry"])


def test_reduced_motion_disables_transitions(visit: OpenPage, original: Path) -> None:
    visited = visit(reduced_motion="reduce").wait_for_agreement()
    visited.analyse(original)
    fill = visited.page.locator(".fill").first
    assert fill.evaluate("fill => getComputedStyle(fill).transitionDuration") in ("0s", "")


@pytest.mark.parametrize("width", [320, 360, 768])
def test_nothing_scrolls_sideways(
    visit: OpenPage, originals: list[Path], tmp_path: Path, width: int
) -> None:
    visited = visit(viewport={"width": width, "height": 740}).wait_for_agreement()
    visited.analyse(write(tmp_path / "talk.wav", several(originals, 22_050, 9), 22_050))
    visited.by_id("log-summary").click()
    assert visited.page.evaluate("document.documentElement.scrollWidth") <= width
