"""The page in Debian's Firefox: what differs from Chromium."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Server
from tests.support.missing import missing
from tests.support.web.firefox import Firefox, started_firefox


@pytest.fixture(scope="module")
def firefox(site: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """The page, whose features the server has accepted."""
    program = shutil.which("firefox-esr") or missing(
        "Firefox is missing: apt-get install firefox-esr"
    )
    with started_firefox(program, tmp_path_factory.mktemp("profile")) as firefox:
        firefox.open(str(site.client.base_url))
        firefox.wait_for("document.getElementById('verification').dataset.state === 'agreement'")
        yield firefox


def wait_for_source(firefox: Firefox, text: str) -> None:
    firefox.wait_for(f"document.getElementById('source').textContent.includes('{text}')")


def test_a_file_is_predicted_and_the_player_is_flat(firefox: Firefox, original: Path) -> None:
    firefox.choose_file("#file", original)
    wait_for_source(firefox, original.name)
    found = firefox.evaluate(
        "[...document.querySelectorAll('#bars li')].map(bar => +bar.dataset.probability)"
    )
    assert sum(found) == pytest.approx(1, abs=1e-4)
    assert firefox.evaluate("document.getElementById('playback').offsetHeight") < 80


def test_a_microphone_without_a_device_for_output_is_explained(firefox: Firefox) -> None:
    firefox.click("#record")  # there is no sound device here; Firefox would wait for ever
    firefox.wait_for("document.querySelector('#notice [data-kind=microphone-idle]')")
    assert firefox.evaluate("document.getElementById('record').textContent") == "Record"
