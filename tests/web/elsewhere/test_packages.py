"""The packages in a project of others, whose page has another origin than the server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml
from playwright.sync_api import Browser, expect

from tests.support.harness import Server
from tests.support.openapi import DESCRIPTION
from tests.support.sounds import silence, tone, write
from tests.web.conftest import OpenPage
from tests.web.elsewhere.conftest import WEB, description
from tests.web.visits import Visit, visiting

PACKAGES = ("component", "extractor")


# Removes the element while the browser opens the microphone; returns the state of its track.
REMOVE_WHILE_ASKED = """async () => {
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    const opened = new Promise(resolve => {
        devices.getUserMedia = async wanted => {
            const stream = await open(wanted);
            resolve(stream.getTracks()[0]);
            return stream;
        };
    });
    const element = document.querySelector("speech-emotion");
    element.shadowRoot.querySelector(".record").click();
    element.remove();
    const track = await opened;
    for (let frame = 0; frame < 600 && track.readyState !== "ended"; frame++) {
        await new Promise(requestAnimationFrame);
    }
    return track.readyState;
}"""


@pytest.fixture
def visit_elsewhere(origin: str, browser: Browser) -> Iterator[OpenPage]:
    with visiting(browser, origin) as open_page:
        yield open_page


def page_with(origin: str, **attributes: str) -> str:
    """The address of the project's page, whose element has these attributes."""
    return f"{origin}/?{urlencode(attributes)}"


def take(visited: Visit, path: Path) -> None:
    visited.page.locator("speech-emotion input[type=file]").set_input_files(path)


def probabilities(visited: Visit) -> dict[str, float]:
    bars = visited.page.locator("speech-emotion .bars li")
    expect(bars.first).to_be_visible()
    found: dict[str, float] = bars.evaluate_all(
        "all => Object.fromEntries(all.map(e => [e.dataset.emotion, +e.dataset.probability]))"
    )
    return found


def test_the_element_predicts_on_a_page_of_another_origin(
    visit_elsewhere: OpenPage, origin: str, far_server: Server, original: Path
) -> None:
    address = str(far_server.client.base_url)
    options = {"reduced_motion": "reduce", "color_scheme": "dark"}
    visited = visit_elsewhere(page_with(origin, server=address), **options)
    assert visited.severe_violations() == []
    box = visited.page.locator("speech-emotion .box")
    colour = "box => getComputedStyle(box).backgroundColor"
    assert box.evaluate(colour) == "rgb(255, 255, 255)", "the page around it is not dark"
    visited.page.evaluate("document.documentElement.style.colorScheme = 'light dark'")
    assert box.evaluate(colour) != "rgb(255, 255, 255)"
    assert visited.severe_violations() == []
    assert not any(request.url.startswith(address) for request in visited.requests)
    take(visited, original)
    found = probabilities(visited)
    assert sum(found.values()) == pytest.approx(1, abs=1e-4)
    best = max(found, key=lambda emotion: found[emotion])
    expect(visited.by_id("told")).to_have_text(re.compile(rf"^[\w-]+: {best}$"))
    assert {request.method for request in visited.requests} == {"GET"}
    expect(visited.page.get_by_text("nothing of your voice is sent")).to_be_visible()
    assert visited.severe_violations() == []
    visited.screenshot("element")


def test_its_attributes_choose_the_network_and_the_language(
    visit_elsewhere: OpenPage, origin: str, far_server: Server, original: Path
) -> None:
    address = str(far_server.client.base_url)
    visited = visit_elsewhere(page_with(origin, server=address, network="DNN", lang="de"))
    expect(visited.page.get_by_role("button", name="Aufnehmen")).to_be_visible()
    take(visited, original)
    probabilities(visited)
    expect(visited.by_id("told")).to_have_text(re.compile(r"^DNN: "))
    expect(visited.page.get_by_text("Nichts von Ihrer Stimme wird gesendet")).to_be_visible()
    expect(visited.page.locator(".headline")).to_have_text(re.compile("Klingt|Unklar|Unsicher"))
    visited.screenshot("element-german")


def test_it_records(origin: str, far_server: Server, browser_with_microphone: Browser) -> None:
    address = str(far_server.client.base_url)
    with visiting(browser_with_microphone, page_with(origin, server=address)) as open_page:
        visited = open_page()
        visited.page.get_by_role("button", name="Record", exact=True).click()
        expect(visited.page.get_by_role("timer")).to_have_text(re.compile(r"^0:(0[1-9]|[1-5]\d)$"))
        expect(visited.page.get_by_role("status")).to_have_text("Recording")  # it is live
        visited.page.locator("speech-emotion").evaluate("element => element.lang = 'de'")
        visited.page.get_by_role("button", name="Aufnahme beenden").click()
        assert sum(probabilities(visited).values()) == pytest.approx(1, abs=1e-4)


def test_without_the_element_the_microphone_is_closed(
    origin: str, browser_with_microphone: Browser
) -> None:
    with visiting(browser_with_microphone, page_with(origin, server=origin)) as open_page:
        assert open_page().page.evaluate(REMOVE_WHILE_ASKED) == "ended"


def test_a_silent_clip_is_refused(
    visit_elsewhere: OpenPage, origin: str, far_server: Server, tmp_path: Path
) -> None:
    visited = visit_elsewhere(page_with(origin, server=str(far_server.client.base_url)))
    take(visited, write(tmp_path / "silent.wav", silence(1), 22_050))
    expect(visited.page.get_by_role("alert")).to_contain_text("The recording is silent")
    expect(visited.page.locator("speech-emotion .bars li")).to_have_count(0)


# The attributes, and what the element says.
MISTAKES = {
    "no server": ({}, 'needs the attribute "server"'),
    "no answer": ({"server": "http://127.0.0.1:9"}, "The server does not answer"),
    "no network": ({"network": "Other"}, "The server has no network Other; expected one of .*DNN"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_it_says_errors(
    visit_elsewhere: OpenPage,
    origin: str,
    far_server: Server,
    original: Path,
    mistake: str,
) -> None:
    attributes, said = MISTAKES[mistake]
    if "network" in attributes:
        attributes = {"server": str(far_server.client.base_url), **attributes}
    visited = visit_elsewhere(page_with(origin, **attributes))
    take(visited, original)
    expect(visited.page.get_by_role("alert")).to_have_text(re.compile(said))
    expect(visited.page.get_by_role("button", name="Record", exact=True)).to_be_enabled()


def test_a_server_that_does_not_allow_the_origin_is_explained(
    visit_elsewhere: OpenPage, origin: str, site: Server, original: Path
) -> None:
    visited = visit_elsewhere(page_with(origin, server=str(site.client.base_url)))
    take(visited, original)
    expect(visited.page.get_by_role("alert")).to_contain_text("The server does not answer")


def test_the_extractor_asks_a_server_of_another_origin(
    visit_elsewhere: OpenPage, far_server: Server
) -> None:
    visited = visit_elsewhere()
    samples = tone(0.5).tolist()
    answer = visited.page.evaluate(
        "args => ask(...args)", [str(far_server.client.base_url), "DNN", samples]
    )
    [posted] = [request for request in visited.requests if request.method == "POST"]
    assert json.loads(posted.post_data or "").keys() == {"mfccs"}
    assert sum(each["prediction"] for each in answer["results"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_packages_have_the_version_of_the_project(name: str) -> None:
    package = description(WEB / name)
    openapi = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    assert package["version"] == openapi["info"]["version"]
    assert package["license"] == "Apache-2.0"
    assert (WEB / name / "README.md").exists()
