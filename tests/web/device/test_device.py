"""The page predicts by itself, where the server offers its networks' files."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.harness import Server
from tests.support.sounds import tone, write
from tests.web.conftest import OpenPage
from tests.web.visits import Visit

TOLERANCE = 1e-4
CLIPS = 2


def predicted(visited: Visit, path: Path, network: str, where: str) -> dict[str, float]:
    """The probabilities on the page, once they are of that clip, network and place."""
    source = re.compile(rf"^{re.escape(path.name)}, .*, predicted by {network}{where}$")
    expect(visited.by_id("source")).to_have_text(source)
    visited.wait_for_result()
    return visited.probabilities()


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
