"""Live mode: how loud it is, a minute of emotions, and that minute to hear again."""

import re
from pathlib import Path

import numpy as np
from playwright.sync_api import expect

from tests.support.harness import wait_until
from tests.support.sounds import silence, tone, write
from tests.web.conftest import OpenPage
from tests.web.results.test_changes import drop
from tests.web.visits import PHONE, Visit, recorded_for

LENGTH = """audio => new Promise(done => audio.duration ? done(audio.duration)
    : audio.onloadedmetadata = () => done(audio.duration))"""


def test_live_shows_the_level_and_replays_what_was_heard(visit_with_microphone: OpenPage) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    visited.page.get_by_role("button", name="Listen live").click()
    expect(visited.by_id("elapsed")).to_contain_text("Listening, ")
    level = visited.by_id("level")
    visited.page.wait_for_function("m => m.value > m.min", arg=level.element_handle())
    rows = visited.by_id("timeline-table").locator("tbody tr")
    expect(rows.nth(2)).to_be_attached()
    ticks = visited.page.locator("#timeline-axis span").all_inner_texts()
    assert ticks[:2] == ["0:00", "0:10"], "the chart has place for a minute"
    hint = visited.by_id("moment")
    expect(hint).to_have_text("Point at the chart to see a moment.")
    expect(visited.by_id("timeline")).not_to_have_accessible_name(re.compile("plays"))
    expect(visited.by_id("timeline")).to_have_css("cursor", "auto")
    assert visited.severe_violations() == []

    visited.page.get_by_role("button", name="Stop listening").click()
    expect(visited.by_id("kept")).to_contain_text("only in the memory of this page")
    expect(level).to_be_hidden()
    expect(hint).to_contain_text("click to hear it")
    expect(visited.by_id("timeline")).to_have_accessible_name(re.compile("Enter plays it"))
    expect(visited.by_id("timeline")).to_have_css("cursor", "pointer")
    heard: float = visited.by_id("playback").evaluate(LENGTH)
    assert heard > 2.5
    visited.by_id("timeline").focus()
    visited.page.keyboard.press("End")
    visited.page.keyboard.press("Enter")
    cursor = visited.by_id("waveform").locator(".cursor")
    expect(cursor).to_be_visible()
    assert visited.severe_violations() == []


def test_a_phone_shows_the_headline_of_live_mode_at_once(visit_with_microphone: OpenPage) -> None:
    visited = visit_with_microphone(viewport=PHONE).wait_for_agreement()
    visited.page.get_by_role("button", name="Listen live").click()
    bars = visited.by_id("bars").locator("li")
    expect(bars.last).to_be_in_viewport()
    stop = visited.page.get_by_role("button", name="Stop listening")
    expect(stop).to_be_focused()
    stop.press("Enter")
    expect(visited.page.get_by_role("button", name="Record", exact=True)).to_be_visible()


def test_a_clip_of_the_list_ends_live_mode(
    visit_with_microphone: OpenPage, originals: list[Path]
) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    visited.upload(*originals[:2])
    expect(visited.by_id("clips-status")).to_have_text("2 of 2 analysed.")
    visited.page.get_by_role("button", name="Listen live").click()
    expect(visited.by_id("source")).to_contain_text("Live")
    visited.page.locator("#clips-list button").nth(1).click()
    expect(visited.by_id("source")).not_to_contain_text("Live")
    expect(visited.page.get_by_role("button", name="Listen live")).to_be_enabled()
    expect(visited.by_id("kept")).to_be_hidden()


def test_a_single_clip_is_shown_again_after_listening(
    visit_with_microphone: OpenPage, original: Path
) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    visited.analyse(original)
    expect(visited.by_id("clips")).to_be_hidden()
    before = visited.probabilities()
    visited.page.get_by_role("button", name="Listen live").click()
    expect(visited.by_id("source")).to_contain_text("Live")
    drop(visited, original, "late.wav")
    heard = visited.by_id("timeline-table").locator("tbody tr")
    expect(heard.nth(heard.count() + 1)).to_be_attached()
    expect(visited.expect_fault("busy")).to_contain_text("late.wav")

    visited.page.get_by_role("button", name=original.name).press("Enter")
    expect(visited.by_id("source")).to_contain_text(original.name)
    expect(visited.by_id("clips")).to_be_hidden()
    expect(visited.by_id("result")).to_be_focused()
    assert visited.probabilities() == before


def bytes_of_samples(visited: Visit) -> float:
    """The bytes of arrays that the page's own thread holds."""
    session = visited.page.context.new_cdp_session(visited.page)
    session.send("HeapProfiler.collectGarbage")
    usage: dict[str, float] = session.send("Runtime.getHeapUsage")
    return usage["backingStorageSize"]


def test_a_recording_that_was_put_away_leaves_the_memory(
    visit_with_microphone: OpenPage, original: Path, tmp_path: Path
) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    visited.page.get_by_role("button", name="Record", exact=True).click()
    expect(visited.by_id("elapsed")).to_have_text(recorded_for(3))
    visited.page.get_by_role("button", name="Stop recording").click()
    visited.wait_for_result()
    recorded = bytes_of_samples(visited)

    # More than the page keeps, but with little that takes time.
    rate = 48_000
    left = np.concatenate([tone(1, rate), silence(319, rate)])
    large = write(tmp_path / "large.flac", np.stack([left, -left], axis=1), rate)
    small = write(tmp_path / "small.wav", tone(0.2, rate), rate)
    visited.upload(large, small)
    expect(visited.by_id("clips-status")).to_have_text("3 of 3 analysed.")
    visited.page.get_by_role("button", name="small.wav").click()
    expect(visited.by_id("source")).to_contain_text("small.wav")
    wait_until(lambda: bytes_of_samples(visited) < recorded, "the memory of the recording")

    visited.page.get_by_role("button", name="Recording from the microphone").click()
    expect(visited.by_id("source")).to_contain_text("Recording from the microphone")
    visited.wait_for_result()
