from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.support.harness import Server
from tests.support.sounds import silence, write
from tests.support.web.browser import launch_with_microphone
from tests.web.conftest import OpenPage
from tests.web.visits import Visit, recorded_for, visiting


def predictions(visited: Visit) -> int:
    return len(visited.predictions)


def wait_for_predictions(visited: Visit, count: int) -> None:
    while predictions(visited) < count:
        visited.page.wait_for_event("requestfinished")


def test_a_recording_is_analysed(visit_with_microphone: OpenPage) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    visited.page.get_by_role("button", name="Record", exact=True).click()
    expect(visited.by_id("elapsed")).to_have_text(recorded_for(4))
    expect(visited.page.get_by_role("button", name="Listen live")).to_be_disabled()
    visited.screenshot("recording")
    visited.page.get_by_role("button", name="Stop recording").click()
    visited.wait_for_result()
    visited.screenshot("recorded")
    expect(visited.by_id("source")).to_contain_text("Recording from the microphone")
    expect(visited.by_id("notice")).to_be_empty()
    length = visited.by_id("playback").evaluate(
        "audio => new Promise(done => audio.duration ? done(audio.duration)"
        " : audio.onloadedmetadata = () => done(audio.duration))"
    )
    assert length > 3.5
    assert sum(visited.probabilities().values()) == pytest.approx(1, abs=1e-4)


def test_live_mode_predicts_while_the_microphone_is_open(visit_with_microphone: OpenPage) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    visited.page.get_by_role("button", name="Listen live").click()
    wait_for_predictions(visited, 5)
    rows = visited.by_id("timeline-table").locator("tbody tr")
    expect(rows.nth(3)).to_be_attached()
    visited.screenshot("live")
    assert sum(visited.probabilities().values()) == pytest.approx(1, abs=1e-4)
    expect(visited.by_id("source")).to_contain_text("Live")

    visited.choose("Frames")
    expect(visited.by_id("source")).to_contain_text("Frames")
    visited.page.get_by_role("button", name="Stop listening").click()
    expect(visited.page.get_by_role("button", name="Record", exact=True)).to_be_enabled()
    count = predictions(visited)
    visited.page.wait_for_timeout(1_500)  # longer than from one prediction to the next
    assert predictions(visited) == count
    expect(visited.by_id("bars").locator("li").first).to_be_visible()

    visited.page.get_by_role("button", name="Listen live").click()
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("0:00")


def test_live_mode_sends_nothing_in_silence(
    site: Server, playwright: Playwright, chromium: str, tmp_path: Path
) -> None:
    clip = write(tmp_path / "silence.wav", silence(3, 48_000), 48_000)
    browser = launch_with_microphone(playwright, chromium, clip, allowed=True)
    with visiting(browser, str(site.client.base_url)) as open_page:
        visited = open_page().wait_for_agreement()
        visited.page.get_by_role("button", name="Listen live").click()
        expect(visited.by_id("timeline-table").locator("tbody tr").nth(1)).to_be_attached()
        expect(visited.by_id("progress-text")).to_have_text("Listening. No sound yet.")
        assert predictions(visited) == 0
        visited.screenshot("live-silence")
        visited.page.get_by_role("button", name="Stop listening").click()
    browser.close()


def test_a_refused_microphone_is_explained(
    site: Server, playwright: Playwright, chromium: str, original: Path
) -> None:
    browser = launch_with_microphone(playwright, chromium, original, allowed=False)
    with visiting(browser, str(site.client.base_url)) as open_page:
        visited = open_page()
        session = visited.page.context.new_cdp_session(visited.page)
        setting = {"permission": {"name": "microphone"}, "origin": str(site.client.base_url)}
        session.send("Browser.setPermission", setting | {"setting": "denied"})
        visited.wait_for_agreement()
        visited.page.get_by_role("button", name="Record", exact=True).click()
        visited.expect_fault("microphone-refused")
        visited.screenshot("fault-microphone-refused")

        visited.page.context.grant_permissions(["microphone"])
        visited.page.get_by_role("button", name="Try again").click()
        expect(visited.page.get_by_role("button", name="Stop recording")).to_be_visible()
        expect(visited.by_id("notice")).to_be_empty()
    browser.close()


@pytest.mark.parametrize("name", ["Record", "Listen live"])
def test_a_missing_microphone_is_explained(visit: OpenPage, name: str) -> None:
    visited = visit(permissions=["microphone"]).wait_for_agreement()
    visited.page.get_by_role("button", name=name, exact=True).click()
    visited.expect_fault("microphone-missing")
    visited.screenshot("fault-microphone-missing")
