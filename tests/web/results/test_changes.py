"""What happens to a result when the next clip, network or error comes."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, Route, expect

from tests.support.harness import Server
from tests.support.sounds import several, silence, tone, write
from tests.support.web.browser import launch_with_microphone
from tests.web.conftest import OpenPage
from tests.web.visits import PHONE, PREDICTIONS, Visit, recorded_for, visiting

DROP = """([names, content]) => {
    const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    for (const name of names) transfer.items.add(new File([bytes], name));
    const drop = new DragEvent("drop", {dataTransfer: transfer, bubbles: true});
    document.body.dispatchEvent(drop);
}"""


def hold_predictions(visited: Visit, allowed: int) -> None:
    """Lets a number of predictions pass; the page never gets an answer to the others."""
    passed: list[Route] = []

    def pass_or_hold(route: Route) -> None:
        passed.append(route)
        if len(passed) <= allowed:
            route.continue_()

    visited.page.context.route(PREDICTIONS, pass_or_hold)


def test_the_features_of_the_clip_before_disappear_with_it(
    visit: OpenPage, original: Path, originals: list[Path], tmp_path: Path
) -> None:
    visited = visit().wait_for_agreement()
    visited.analyse(original)
    expect(visited.by_id("heatmap")).to_be_visible()
    hold_predictions(visited, 1)
    visited.upload(write(tmp_path / "long.wav", several(originals, 8_000, 65), 8_000))
    expect(visited.by_id("timeline-table").locator("tbody tr")).to_have_count(1)
    expect(visited.by_id("waveform")).to_be_visible()
    expect(visited.by_id("heatmap")).to_be_hidden()


def test_an_error_names_the_file_and_keeps_the_result(
    visit: OpenPage, original: Path, tmp_path: Path
) -> None:
    visited = visit().wait_for_agreement()
    visited.analyse(original)
    before = visited.by_id("winner").inner_text()
    visited.upload(write(tmp_path / "quiet.wav", silence(3), 22_050))
    notice = visited.expect_fault("silent")
    expect(notice).to_contain_text("quiet.wav")
    # The same file would be as silent.
    expect(notice.get_by_role("button", name="Try again")).to_have_count(0)
    expect(visited.by_id("winner")).to_have_text(before)
    expect(visited.by_id("bars").locator("li").first).to_be_visible()
    expect(visited.by_id("source")).to_contain_text(original.name)


def drop(visited: Visit, path: Path, *names: str) -> None:
    """Drops a file under several names at once."""
    visited.page.evaluate(DROP, [list(names), base64.b64encode(path.read_bytes()).decode()])


def test_each_of_two_dropped_files_is_analysed(visit: OpenPage, original: Path) -> None:
    visited = visit().wait_for_agreement()
    drop(visited, original, "first.wav", "second.wav")
    expect(visited.by_id("clips-status")).to_have_text("2 of 2 analysed.")
    expect(visited.by_id("source")).to_contain_text("first.wav")
    expect(visited.by_id("notice")).to_be_empty()
    visited.page.get_by_role("button", name="second.wav").click()
    expect(visited.by_id("source")).to_contain_text("second.wav")


def test_a_file_that_is_dropped_while_recording_gets_an_answer(
    visit_with_microphone: OpenPage, original: Path
) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    visited.page.get_by_role("button", name="Record", exact=True).click()
    expect(visited.page.get_by_role("button", name="Stop recording")).to_be_visible()
    drop(visited, original, "late.wav")
    expect(visited.expect_fault("busy")).to_contain_text("late.wav")


def test_another_network_predicts_what_was_heard_live(visit_with_microphone: OpenPage) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    visited.page.get_by_role("button", name="Listen live").click()
    visited.wait_for_result()
    visited.page.get_by_role("button", name="Stop listening").click()
    visited.choose("Frames")
    expect(visited.by_id("source")).to_have_text("Live, predicted by Frames")
    assert set(visited.probabilities()) == {"angry", "calm", "happy"}


@pytest.fixture
def visit_with_silence(
    site: Server, playwright: Playwright, chromium: str, tmp_path: Path
) -> Iterator[OpenPage]:
    clip = write(tmp_path / "silence.wav", silence(3, 48_000), 48_000)
    browser = launch_with_microphone(playwright, chromium, clip, allowed=True)
    with visiting(browser, str(site.client.base_url)) as open_page:
        yield open_page
    browser.close()


def test_a_silent_recording_is_recorded_again(visit_with_silence: OpenPage) -> None:
    visited = visit_with_silence().wait_for_agreement()
    visited.page.get_by_role("button", name="Record", exact=True).click()
    expect(visited.by_id("elapsed")).to_have_text(recorded_for(1))
    visited.page.get_by_role("button", name="Stop recording").click()
    visited.expect_fault("silent")
    visited.page.get_by_role("button", name="Try again").click()
    expect(visited.page.get_by_role("button", name="Stop recording")).to_be_visible()
    expect(visited.by_id("notice")).to_be_empty()


def test_a_phone_shows_the_result_beside_the_networks(visit: OpenPage, original: Path) -> None:
    visited = visit(viewport=PHONE).wait_for_agreement()
    visited.analyse(original)
    visited.choose("Frames")
    expect(visited.by_id("source")).to_contain_text("Frames")
    brief = visited.by_id("brief-result")
    expect(brief).to_be_visible()
    expect(brief).to_have_text(visited.by_id("winner").inner_text())
    expect(brief).to_be_in_viewport()
    expect(visited.page.get_by_role("radio", checked=True)).to_be_in_viewport()


def test_the_link_to_the_log_opens_it(visit: OpenPage) -> None:
    visited = visit().wait_for_agreement()
    visited.page.get_by_role("link", name="See everything that was sent").click()
    expect(visited.by_id("log-rows")).to_be_visible()
    expect(visited.by_id("log-rows")).to_be_in_viewport()


def test_bars_are_visible_in_forced_colours(site: Server, browser: Browser, tmp_path: Path) -> None:
    with visiting(browser, str(site.client.base_url)) as open_page:
        visited = open_page(forced_colors="active", reduced_motion="reduce").wait_for_agreement()
        visited.analyse(write(tmp_path / "tone.wav", tone(4.5), 22_050))
        assert visited.severe_violations() == []
        visited.screenshot("forced-colours")
        for selector in (".bars .first .fill", "#timeline rect"):
            colours = visited.page.locator(selector).first.evaluate(
                "e => { const own = getComputedStyle(e); return [own.forcedColorAdjust,"
                " e.tagName === 'rect' ? own.fill : own.backgroundColor]; }"
            )
            page = visited.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert colours[0] == "none"
            assert colours[1] not in (page, "rgba(0, 0, 0, 0)")
