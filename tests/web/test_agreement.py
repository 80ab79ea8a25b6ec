"""The page and the Python client predict the same probabilities for the same file."""

import re
from pathlib import Path

import numpy as np
import pytest
import soxr
from playwright.sync_api import expect
from speech_emotion import Client

from tests.support.harness import Server
from tests.support.sounds import load, write
from tests.web.visits import Visit

TOLERANCE = 0.02


@pytest.fixture
def client(site: Server, tmp_path: Path) -> Client:
    return Client(str(site.client.base_url), cache=tmp_path / "cache")


def largest_difference(visited: Visit, client: Client, path: Path, network: str) -> float:
    expected = client.predict(path, network).probabilities
    visited.choose(network)
    visited.upload(path)
    expect(visited.by_id("source")).to_contain_text(path.name)
    expect(visited.by_id("source")).to_have_text(re.compile(rf"predicted by {network}$"))
    visited.wait_for_result()
    found = visited.probabilities()
    assert found.keys() == expected.keys()
    return max(abs(found[emotion] - expected[emotion]) for emotion in expected)


def test_the_page_agrees_with_the_python_client(
    shared_page: Visit, client: Client, originals: list[Path]
) -> None:
    networks = [network.name for network in client.contract.networks]
    found = {
        (path.name, network): largest_difference(shared_page, client, path, network)
        for path in originals
        for network in networks
    }
    for network in networks:
        worst = max(value for (_, name), value in found.items() if name == network)
        print(f"{network}: {len(originals)} clips within {worst:.5f} of the Python client")
    assert len(originals) == 8
    assert max(found.values()) <= TOLERANCE, found


@pytest.mark.parametrize("rate", [8_000, 12_000, 16_000, 22_050, 44_100, 96_000])
def test_the_page_agrees_at_other_sample_rates(
    shared_page: Visit, client: Client, original: Path, tmp_path: Path, rate: int
) -> None:
    samples, own = load(original)
    stereo = np.stack([samples, 0.5 * samples], axis=1)
    path = write(tmp_path / f"clip-{rate}.wav", soxr.resample(stereo, own, rate), rate)
    network = client.contract.network(None).name
    difference = largest_difference(shared_page, client, path, network)
    print(f"{rate} Hz: within {difference:.5f}")
    assert difference <= TOLERANCE
