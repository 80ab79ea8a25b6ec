"""The headline says as much as the prediction allows, and beside it how often it is right."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.harness import Server
from tests.support.sounds import several, tone, write
from tests.web.conftest import best_network
from tests.web.visits import Visit


@pytest.fixture
def visited(shared_page: Visit) -> Iterator[Visit]:
    """A page whose last announcement is known."""
    yield shared_page
    expect(shared_page.by_id("winner")).to_have_role("status")


def test_foreign_sound_is_not_given_an_emotion(visited: Visit, tmp_path: Path) -> None:
    visited.analyse(write(tmp_path / "tone.wav", tone(3), 22_050))
    headline = "Not sure: this does not sound like what the network knows"
    expect(visited.by_id("winner")).to_have_text(headline)
    expect(visited.by_id("bars").locator("li")).to_have_count(8)
    assert "POST" not in visited.by_id("warning").inner_text()
    visited.screenshot("doubt")


def test_several_emotions_are_mixed(visited: Visit, originals: list[Path], tmp_path: Path) -> None:
    visited.upload(write(tmp_path / "mixed.wav", several(originals, 22_050, 12), 22_050))
    expect(visited.by_id("source")).to_contain_text("mixed.wav")
    visited.wait_for_result()
    expect(visited.by_id("winner")).to_contain_text("Mixed: ")
    expect(visited.by_id("timeline")).to_be_visible()
    headline = visited.by_id("winner").inner_text().removeprefix("Mixed: ")
    of_the_list = visited.by_id("clips-list").locator("li").last.locator(".mix + span")
    expect(of_the_list).to_have_text(headline)


def test_each_result_says_how_often_the_network_is_right(visited: Visit, site: Server) -> None:
    network = best_network(site)
    line = visited.by_id("trust")
    expect(line).to_contain_text(f"{network['networkType']} is right in ")
    elsewhere, new = network["otherCorpora"]["uar"], network["newSpeakers"]["uar"]
    expect(line).to_contain_text(f"{round(100 * elsewhere)}% of recordings from elsewhere")
    expect(line).to_contain_text(f"{round(100 * new)}% of new voices")
    expect(line).to_contain_text("people: 42% to 62%")
    # Corpora are named as people say them.
    assert "emodb-2s" in network["corpus"]["name"]
    expect(line).to_contain_text(
        f"trained on {network['corpus']['name'].replace('emodb-2s', 'EmoDB')}"
    )
    expect(visited.by_id("network-details")).to_contain_text("EmoDB")
    expect(visited.page.locator("body")).not_to_contain_text("emodb-2s")
