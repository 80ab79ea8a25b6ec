"""The page predicts by itself, where the server offers its networks' files."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.harness import Server
from tests.support.missing import missing
from tests.support.sounds import tone, write
from tests.web.conftest import OpenPage
from tests.web.visits import Visit

TOLERANCE = 1e-4
CLIPS = 2
OTHERS = 20  # of CREMA-D
ALL_DONE = re.compile(r"^(\d+) of \1 analysed\.$")


def predicted(visited: Visit, path: Path, network: str, where: str) -> dict[str, float]:
    """The probabilities on the page, once they are of that clip, network and place."""
    source = re.compile(rf"^{re.escape(path.name)}, .*, predicted by {network}{where}$")
    expect(visited.by_id("source")).to_have_text(source)
    visited.wait_for_result()
    return visited.probabilities()


def of_all_clips(visited: Visit, network: str) -> dict[str, dict[str, float]]:
    """The probabilities of each clip of the list by a network, as the page downloads them."""
    visited.choose(network)
    expect(visited.by_id("source")).to_contain_text(f"predicted by {network}")
    again = visited.page.get_by_role("button", name=f"Predict all with {network}")
    visited.wait_for_result()
    if again.is_visible():
        again.click()
    expect(visited.by_id("clips-status")).to_have_text(ALL_DONE)
    with visited.page.expect_download() as download:
        visited.page.get_by_role("button", name="Save as JSON").click()
    clips = json.loads(download.value.path().read_text(encoding="utf-8"))["clips"]
    assert {clip["network"] for clip in clips} == {network}
    return {
        clip["file"]: {each["emotionType"]: each["prediction"] for each in clip["results"]}
        for clip in clips
    }


def test_this_device_agrees_with_the_server_on_many_clips(
    visit: OpenPage, server_with_frames: Server, originals: list[Path], ravdess: Path
) -> None:
    folder = ravdess.parent / "cremad"
    others = sorted(folder.glob("*.ogg")) or missing(f"{folder}: no recordings of CREMA-D")
    files = [*originals, *others[:: len(others) // OTHERS][:OTHERS]]
    assert len(files) == len(originals) + OTHERS
    handshake = server_with_frames.client.get("/init/configuration").json()
    networks = [each["networkType"] for each in handshake["networks"]]
    visited = visit().wait_for_agreement()
    visited.upload(*files)
    expect(visited.by_id("clips-status")).to_have_text(ALL_DONE)
    local = {network: of_all_clips(visited, network) for network in networks}
    assert {request.method for request in visited.requests} == {"GET"}

    visited.page.get_by_role("switch", name="On this device").uncheck()
    for network in networks:
        online = of_all_clips(visited, network)
        assert online.keys() == local[network].keys()
        differences = [
            abs(online[file][label] - local[network][file][label])
            for file in online
            for label in online[file]
        ]
        print(f"{network}: {len(online)} clips within {max(differences):.1e} of the server")
        assert max(differences) <= TOLERANCE
    assert len(visited.predictions) >= len(files) * len(networks)


def test_this_device_agrees_with_the_server_and_posts_nothing(
    visit: OpenPage, server_with_frames: Server, originals: list[Path]
) -> None:
    visited = visit().wait_for_agreement()
    handshake = server_with_frames.client.get("/init/configuration").json()
    networks = [each["networkType"] for each in handshake["networks"]]
    local: dict[tuple[str, str], dict[str, float]] = {}
    for path in originals[:CLIPS]:
        visited.upload(path)
        for network in networks:
            visited.choose(network)
            local[path.name, network] = predicted(visited, path, network, " on this device")
    assert {request.method for request in visited.requests} == {"GET"}
    expect(visited.by_id("log-summary")).to_contain_text("nothing was posted")
    assert visited.severe_violations() == []
    visited.screenshot("on-device")

    visited.page.get_by_role("switch", name="On this device").uncheck()
    for path in originals[:CLIPS]:
        visited.upload(path)
        for network in networks:
            visited.choose(network)
            online = predicted(visited, path, network, "")
            assert local[path.name, network] == pytest.approx(online, abs=TOLERANCE)
    assert any(request.method == "POST" for request in visited.requests)


def test_it_works_offline_once_loaded(visit: OpenPage, original: Path, tmp_path: Path) -> None:
    visited = visit().wait_for_agreement()
    expect(visited.by_id("offline")).to_be_visible()
    visited.page.context.set_offline(True)
    visited.page.reload()
    visited.wait_for_agreement()
    visited.analyse(original)
    assert sum(visited.probabilities().values()) == pytest.approx(1, abs=1e-4)
    # The limit of the distance is inside the file.
    visited.upload(write(tmp_path / "tone.wav", tone(3), 22_050))
    expect(visited.by_id("winner")).to_contain_text("does not sound like what the network knows")
    for link, heading in (("Licence", "Licence"), ("Model card", "Model card")):
        visited.page.get_by_role("link", name=link).click()
        expect(visited.page.get_by_role("heading", level=1)).to_have_text(heading)
        family = visited.page.evaluate("getComputedStyle(document.body).fontFamily")
        assert "system-ui" in family, "the style sheet is kept, too"
        visited.page.go_back()
