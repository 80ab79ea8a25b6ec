"""One's own voice: kept in the browser, sent only while the user compares with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Request, expect

from tests.support.harness import Server, running
from tests.support.models.shipped import copy_features, shipped_recipe
from tests.support.models.tiny import write_frame_network, write_vector_network
from tests.support.sounds import load, noise, several, write
from tests.web.conftest import OpenPage
from tests.web.visits import DESKTOP, OPEN_ADVANCED, PHONE, Visit, members, recorded_for, visiting

BASELINE_LIMIT = 10.0  # between the distances of the same clip, 6, and of one an octave lower, 18
STORED = "JSON.parse(localStorage.getItem('usual-voice'))"


@pytest.fixture(scope="module")
def voice_site(
    site: Server, nginx: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with a network that can use a baseline, and one that cannot."""
    models = tmp_path_factory.mktemp("models")
    copy_features(models)
    recipe = shipped_recipe()
    write_frame_network(
        models,
        "Voice",
        members=("prosody", "baseline"),
        recipe=recipe,
        distance_limit=1000.0,
        baseline_limit=BASELINE_LIMIT,
        metrics={"protocol": "none: made for a test", "speakerIndependentUar": 0.9},
    )
    write_vector_network(models, "Plain", recipe=recipe, distance_limit=1000.0)
    settings = {"SER_MODELS_DIRECTORY": models, "SER_MODELS_DOWNLOADS": "no"}
    with running(tmp_path_factory.mktemp("run"), **settings) as server:
        yield server


@pytest.fixture
def visit(voice_site: Server, browser: Browser) -> Iterator[OpenPage]:
    with visiting(browser, str(voice_site.client.base_url)) as open_page:
        yield advanced(open_page)


@pytest.fixture
def visit_with_microphone(
    voice_site: Server, browser_with_microphone: Browser
) -> Iterator[OpenPage]:
    with visiting(browser_with_microphone, str(voice_site.client.base_url)) as open_page:
        yield advanced(open_page)


def advanced(open_page: OpenPage) -> OpenPage:
    """Opens pages whose part for the usual voice is open."""

    def open_both(*address: str, **options: Any) -> Visit:
        visited = open_page(*address, **options)
        visited.open_advanced()
        opened = f"addEventListener('DOMContentLoaded', () => {OPEN_ADVANCED})"
        visited.page.context.add_init_script(opened)
        return visited

    return open_both


@pytest.fixture
def speech(originals: list[Path], tmp_path: Path) -> Path:
    """Seven seconds of speech."""
    return write(tmp_path / "speech.wav", several(originals, 48_000, 7), 48_000)


def compare_switch(visited: Visit) -> Locator:
    return visited.page.get_by_role("switch", name="Compare with my usual voice")


def button(visited: Visit, name: str) -> Locator:
    return visited.page.get_by_role("button", name=name, exact=True)


def kept(visited: Visit) -> Locator:
    return visited.by_id("voice-kept")


def bodies(visited: Visit) -> list[dict[str, Any]]:
    """Of the predictions."""
    return [members(request) for request in visited.predictions]


def keep(visited: Visit, path: Path) -> None:
    """Analyses a recording and keeps its clips."""
    visited.analyse(path)
    visited.page.get_by_role("button", name="so far").click()


def turn_on(visited: Visit) -> Request:
    """Turns the comparison on; returns the first request with a baseline."""
    with visited.page.expect_request(
        lambda r: b'"baseline"' in (r.post_data_buffer or b"")
    ) as caught:
        compare_switch(visited).check()
    return caught.value


def keep_and_compare(visited: Visit, path: Path) -> None:
    keep(visited, path)
    turn_on(visited)
    visited.wait_for_result()


def open_details(visited: Visit) -> None:
    """Opens what the page says about the voice, the log, and the numbers of the last request."""
    visited.page.get_by_text("What this reveals, and where it stays").click()
    visited.by_id("log-summary").click()
    visited.by_id("log-rows").locator("summary").last.click()


def test_nothing_is_kept_or_sent_by_default(visit: OpenPage, speech: Path) -> None:
    visited = visit().wait_for_agreement()
    expect(compare_switch(visited)).not_to_be_checked()
    expect(compare_switch(visited)).to_be_disabled()
    expect(kept(visited)).to_have_text("Nothing is kept.")
    visited.analyse(speech)
    assert visited.page.evaluate("localStorage.length") == 0
    for body in bodies(visited):
        assert list(body) == ["mfccs", "prosody"]
        assert len(body["prosody"]) == len(body["mfccs"])


def test_the_clips_so_far_are_kept_and_compared_with(visit: OpenPage, speech: Path) -> None:
    visited = visit().wait_for_agreement()
    keep(visited, speech)
    expect(kept(visited)).to_have_text("2 clips are kept in this browser.")
    expect(button(visited, "Keep the clips so far")).to_be_disabled()
    assert not any("baseline" in body for body in bodies(visited))

    sent = members(turn_on(visited))["baseline"]
    visited.wait_for_result()
    stored = visited.page.evaluate(STORED)["baseline"]
    assert sent["clips"] == stored["clips"] == 2
    for member, count in (("mfccs", 25), ("prosody", 3)):
        for each in ("mean", "spread"):
            assert sent[member][each] == pytest.approx(stored[member][each], abs=1e-4)
            assert len(sent[member][each]) == count
    expect(visited.by_id("log-summary")).to_contain_text("Your usual voice was sent")

    visited.page.reload()
    visited.wait_for_agreement()
    expect(kept(visited)).to_have_text("2 clips are kept in this browser.")
    expect(compare_switch(visited)).to_be_checked()


def test_what_is_forgotten_is_gone(visit: OpenPage, speech: Path) -> None:
    visited = visit().wait_for_agreement()
    keep_and_compare(visited, speech)
    other = visited.page.context.new_page()  # another tab
    other.goto(visited.page.url)
    expect(other.locator("#voice-kept")).to_have_text("2 clips are kept in this browser.")

    sent = visited.page.locator("#log-rows details", has_text="your usual voice")
    expect(sent).not_to_have_count(0)

    button(visited, "Forget my voice").click()
    for page in (visited.page, other):
        expect(page.locator("#voice-kept")).to_have_text("Nothing is kept.")
        expect(page.locator("#voice-compare")).not_to_be_checked()
    visited.wait_for_result()
    assert visited.page.evaluate("localStorage.length") == 0
    expect(sent).to_have_count(0)
    before = len(bodies(visited))
    visited.analyse(speech)
    visited.choose("Plain")
    visited.choose("Voice")
    visited.wait_for_result()
    assert len(bodies(visited)) > before
    assert not any("baseline" in body for body in bodies(visited)[before:])


def test_sentences_are_kept_without_their_audio(visit_with_microphone: OpenPage) -> None:
    visited = visit_with_microphone().wait_for_agreement()
    button(visited, "Speak a few sentences").click()
    expect(visited.by_id("voice-elapsed")).to_have_text(recorded_for(4))
    expect(visited.page.get_by_role("button", name="Listen live")).to_be_disabled()
    visited.screenshot("voice-speaking")
    button(visited, "Stop and keep").click()
    expect(kept(visited)).to_contain_text("kept in this browser.")
    assert 1 <= visited.page.evaluate(STORED)["baseline"]["clips"] <= 2
    assert visited.page.evaluate(STORED)["on"] is False
    assert bodies(visited) == []
    button(visited, "Forget my voice").click()
    expect(compare_switch(visited)).to_be_disabled()


def test_a_foreign_voice_is_told_in_words(
    visit: OpenPage, originals: list[Path], tmp_path: Path
) -> None:
    visited = visit().wait_for_agreement()
    samples, rate = load(originals[0])
    keep(visited, write(tmp_path / "own.wav", samples, rate))
    turn_on(visited)
    visited.wait_for_result()
    expect(visited.by_id("warning")).to_be_hidden()
    visited.upload(write(tmp_path / "deep.wav", samples, rate // 2))
    expect(visited.by_id("winner")).to_contain_text("does not sound like your usual voice")
    visited.screenshot("voice-foreign")


def test_a_network_that_cannot_use_it_gets_none(visit: OpenPage, speech: Path) -> None:
    visited = visit().wait_for_agreement()
    keep_and_compare(visited, speech)
    before = len(bodies(visited))
    visited.choose("Plain")
    expect(visited.by_id("source")).to_contain_text("Plain")
    visited.wait_for_result()
    expect(visited.by_id("voice")).to_be_hidden()
    assert bodies(visited)[before:]
    assert all(list(body) == ["mfccs"] for body in bodies(visited)[before:])


DAMAGED = {
    "no JSON": "{",
    "null": "null",
    "another width": json.dumps({"on": True, "baseline": {"clips": 1, "mfccs": [1]}}),
    "no clips": json.dumps({"on": True, "baseline": {"clips": 0}}),
}


def test_the_voice_of_other_features_is_forgotten(visit: OpenPage, speech: Path) -> None:
    visited = visit().wait_for_agreement()
    keep(visited, speech)
    visited.page.evaluate(
        f"localStorage.setItem('usual-voice', JSON.stringify({{...{STORED}, meaning: 'other'}}))"
    )
    visited.page.reload()
    expect(kept(visited)).to_have_text("Nothing is kept.")
    assert visited.page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_storage_is_forgotten(visit: OpenPage, name: str) -> None:
    visited = visit().wait_for_agreement()
    visited.page.evaluate("text => localStorage.setItem('usual-voice', text)", DAMAGED[name])
    visited.page.reload()
    expect(kept(visited)).to_have_text("Nothing is kept.")
    expect(compare_switch(visited)).not_to_be_checked()


def test_without_storage_it_lasts_as_long_as_the_page(
    visit: OpenPage, voice_site: Server, speech: Path
) -> None:
    visited = visit("about:blank")
    visited.page.add_init_script(
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }"
    )
    visited.page.goto(str(voice_site.client.base_url))
    visited.wait_for_agreement()
    keep(visited, speech)
    expect(kept(visited)).to_contain_text("until this page is closed: it allows no storage.")
    turn_on(visited)


def test_noise_is_not_offered(visit: OpenPage, tmp_path: Path) -> None:
    visited = visit().wait_for_agreement()
    visited.analyse(write(tmp_path / "noise.wav", noise(2), 22_050))
    expect(button(visited, "Keep the clips so far")).to_be_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size", "viewport"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_axe_finds_nothing_severe(
    visit: OpenPage, speech: Path, scheme: str, size: str, viewport: dict[str, int]
) -> None:
    visited = visit(
        color_scheme=scheme, viewport=viewport, reduced_motion="reduce"
    ).wait_for_agreement()
    assert visited.severe_violations() == []
    keep_and_compare(visited, speech)
    open_details(visited)
    assert visited.severe_violations() == []
    visited.screenshot(f"voice-{scheme}-{size}")


def test_nothing_scrolls_sideways_at_320_pixels(visit: OpenPage, speech: Path) -> None:
    visited = visit(viewport={"width": 320, "height": 740}).wait_for_agreement()
    keep_and_compare(visited, speech)
    open_details(visited)
    assert visited.page.evaluate("document.documentElement.scrollWidth") <= 320
    visited.screenshot("voice-320")


def test_the_log_shows_each_number(visit: OpenPage, speech: Path) -> None:
    visited = visit().wait_for_agreement()
    keep_and_compare(visited, speech)
    visited.by_id("log-summary").click()
    row = visited.by_id("log-rows").locator("tr", has_text="/v2/models/").last
    body = [found for found in map(members, visited.predictions) if "baseline" in found][-1]
    frames = len(body["mfccs"])
    for text in (
        f"{frames} \u00d7 25 MFCCs",
        f"{frames} \u00d7 3 numbers of pitch, voicing and loudness",
        "57 numbers of your usual voice",
    ):
        expect(row).to_contain_text(text)
    row.locator("summary").click()
    *_, last = row.locator("pre").inner_text().splitlines()
    moments = [body["baseline"][name] for name in ("mfccs", "prosody")]
    means, spreads = ([n for each in moments for n in each[of]] for of in ("mean", "spread"))
    numbers = [*means, *spreads, body["baseline"]["clips"]]
    assert np.array_equal(np.array(last.split(), np.float32), np.array(numbers, np.float32))
