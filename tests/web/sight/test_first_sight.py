"""What a visitor sees first, and the sample clips."""

from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import expect

from configuration import ROOT
from tests.support.harness import Server
from tests.web.conftest import OpenPage
from tests.web.visits import Visit
from training.contract.samples import MOODS, RATE, sample

SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
SAMPLES = ROOT / "clients" / "web" / "src" / "samples"
MOST_BYTES = 60_000  # of a sample
# The elements that get a tap on the round button, from its left to its right.
TAPPED = """button => {
    const { left, top, width, height } = button.getBoundingClientRect();
    const places = Array.from({ length: 99 }, (_, place) => left + (width * (place + 1)) / 100);
    return places.map(x => document.elementFromPoint(x, top + height / 2).id);
}"""
NAMES = {"calm": "Low and slow", "angry": "Loud and sharp", "happy": "High and lively"}


def sample_requests(visited: Visit) -> list[str]:
    return [request.url for request in visited.requests if request.url.endswith(".flac")]


def is_in_viewport(visited: Visit, selector: str) -> bool:
    box = visited.page.locator(selector).bounding_box()
    size = visited.page.viewport_size
    assert box
    assert size
    return box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize("size", SIZES)
def test_the_first_sight_invites_to_record_or_to_try(visit: OpenPage, size: str) -> None:
    visited = visit(viewport=SIZES[size], reduced_motion="reduce").wait_for_agreement()
    for selector in (".lead", "#record", *(f"[data-sample={name}]" for name in MOODS)):
        assert is_in_viewport(visited, selector), selector
    record = visited.by_id("record").bounding_box()
    assert record
    assert set(visited.by_id("record").evaluate(TAPPED)) == {"record"}
    areas = visited.page.get_by_role("button").evaluate_all(
        "buttons => buttons.map(each => each.offsetWidth * each.offsetHeight)"
    )
    assert max(areas) == pytest.approx(record["width"] * record["height"], rel=0.01)
    expect(visited.page.get_by_role("radio")).to_have_count(0)  # they are behind "Advanced"
    assert visited.severe_violations() == []
    visited.screenshot(f"first-sight-{size}")


@pytest.mark.parametrize("size", SIZES)
def test_a_sample_gives_bars_that_are_in_view(visit: OpenPage, size: str) -> None:
    visited = visit(viewport=SIZES[size]).wait_for_agreement()
    assert sample_requests(visited) == []
    visited.page.get_by_role("button", name=NAMES["calm"]).click()
    expect(visited.by_id("source")).to_contain_text("Low and slow (synthetic voice), 3.7 s")
    visited.wait_for_result()
    assert len(visited.probabilities()) == 8
    expect(visited.by_id("winner")).to_be_in_viewport()
    expect(visited.by_id("bars").locator("li").last).to_be_in_viewport()
    (address,) = sample_requests(visited)
    visited.by_id("log-summary").click()
    expect(visited.by_id("log-rows")).to_contain_text(address.rpartition("/")[2])
    # Nobody's own voice.
    visited.open_advanced()
    expect(visited.page.get_by_role("button", name="Keep the clips so far")).to_be_disabled()


def test_a_missing_sample_is_explained(visit: OpenPage) -> None:
    visited = visit().wait_for_agreement()
    visited.page.context.set_offline(True)
    visited.page.get_by_role("button", name=NAMES["happy"]).click()
    notice = visited.expect_fault("away")
    visited.page.context.set_offline(False)
    notice.get_by_role("button", name="Try again").click()
    expect(visited.by_id("source")).to_contain_text("High and lively")


def test_the_networks_are_named_by_what_they_mean(visit: OpenPage, site: Server) -> None:
    visited = visit().wait_for_agreement()
    visited.page.get_by_text("Advanced").click()
    labels = visited.page.locator("#networks label")
    expect(labels.first.locator("b")).to_contain_text("Most accurate")
    networks = site.client.get("/init/configuration").json()["networks"]
    whole = [each for each in networks if each["input"] == "frames"]
    expect(labels.locator("b", has_text="Hears each moment")).to_have_count(len(whole))
    for network in networks:
        label = visited.page.locator("#networks label", has_text=network["networkType"]).first
        expect(label.locator("code")).to_be_visible()
        assert network["networkType"] not in label.locator("b").inner_text()
    vectors = [each["networkType"] for each in networks if each["input"] == "vector"]
    least = labels.filter(has_text="Least data")
    expect(least).to_have_count(1)
    assert least.locator("code").inner_text() in vectors
    assert visited.severe_violations() == []


def test_motion_stops_by_itself_and_where_it_is_unwanted(visit: OpenPage) -> None:
    visited = visit(reduced_motion="reduce")
    running = "document.getAnimations().filter(each => each.playState === 'running').length"
    assert visited.page.evaluate(running) == 0
    endless = "document.getAnimations().map(each => each.effect.getComputedTiming().endTime)"
    assert all(
        milliseconds < 5_000
        for milliseconds in visit(reduced_motion="no-preference").page.evaluate(endless)
    )


@pytest.mark.parametrize("name", MOODS)
def test_the_samples_are_those_of_the_synthesis(name: str) -> None:
    path = SAMPLES / f"{name}.flac"
    found, rate = soundfile.read(path, dtype="int16")
    made = sample(MOODS[name])
    assert rate == RATE
    assert abs(found.astype(int) - made).max() <= 8  # a step; other machines round otherwise
    assert path.stat().st_size < MOST_BYTES


def test_a_sample_has_its_media_type(site: Server, tmp_path: Path) -> None:
    (name,) = [path.name for path in (ROOT / "clients/web/dist/assets").glob("calm-*.flac")]
    answer = site.client.get(f"/assets/{name}")
    assert answer.headers["content-type"] == "audio/flac"
    (tmp_path / name).write_bytes(answer.content)
    assert soundfile.info(tmp_path / name).samplerate == RATE


def test_the_page_can_be_shown_to_others(visit: OpenPage, site: Server) -> None:
    page = visit().page
    for name in ("og:title", "og:description", "og:type"):
        tag = page.locator(f'meta[property="{name}"]')
        assert tag.get_attribute("content")
    links = page.locator("footer a").evaluate_all("links => links.map(each => each.href)")
    assert links
    for link in links:
        assert site.client.get(link).status_code == 200
