"""Each client and the page, with a server that needs a key behind an Nginx that strips a prefix."""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import numpy as np
import pytest
import yaml
from playwright.sync_api import Browser, expect
from speech_emotion import Client

from configuration import ROOT
from tests.support.harness import EMOTION, running
from tests.support.machine.outer_nginx import outer_nginx
from tests.support.sounds import noise
from tests.support.web.driver import run_web_module
from tests.web.visits import visiting

KEY = "4f6b-not-secret-87d1"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
# The block of docs/operations.md.
LOCATION = re.compile(r"^    location /emotion/ {\n.*?^    }\n", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def address(
    built_page: None,
    nginx: Path,
    models_with_frames: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address with the prefix, without a slash at the end."""
    folder = tmp_path_factory.mktemp("run")
    keys = folder / "keys"
    keys.write_text(f"page {hashlib.sha256(KEY.encode()).hexdigest()}\n", encoding="utf-8")
    settings = {
        "SER_SERVER_API_KEYS_PATH": keys,
        "SER_MODELS_DIRECTORY": models_with_frames,
        "SER_SERVER_WORKERS": 1,
    }
    document = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    found = LOCATION.search(document)
    assert found
    outer = tmp_path_factory.mktemp("outer")
    with running(folder, **settings) as server:
        location = found[0].replace("8080", str(server.port))
        with outer_nginx(nginx, outer, location) as root:
            yield f"{root}/emotion"


def test_each_address_of_the_handshake_leads_to_its_file(address: str) -> None:
    for path in ("/init/configuration", "/configuration/init"):
        handshake = f"{address}{path}"
        document = httpx.get(handshake, headers=AUTHORIZED).json()
        files = [document["extractor"], document["reference"]]
        files += document["recordings"]["extractors"][:1] + document["references"][:1]
        for file in files:
            content = httpx.get(urljoin(handshake, file["relativeUrl"]), headers=AUTHORIZED).content
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
        for network in document["networks"]:
            url = urljoin(handshake, network["inference"]["relativeUrl"])
            assert httpx.get(url.removesuffix("/infer"), headers=AUTHORIZED).status_code == 200


def test_the_server_of_the_description_is_behind_the_prefix(address: str) -> None:
    description = f"{address}/openapi.yaml"
    (server,) = yaml.safe_load(httpx.get(description).text)["servers"]
    assert urljoin(description, server["url"]) == f"{address}/"


def test_the_python_client_works_behind_the_prefix(address: str, tmp_path: Path) -> None:
    client = Client(address, cache=tmp_path, api_key=KEY)
    features = client.features(noise(1), 22_050)
    frames = client.predict_features(features, "Frames")
    vector = client.predict_features(features, "DNN")
    assert sum(frames.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert sum(vector.probabilities.values()) == pytest.approx(1, abs=1e-3)


def test_the_command_takes_the_key_from_its_environment(address: str) -> None:
    command = [EMOTION, "networks", "--server", address]
    environment = {name: text for name, text in os.environ.items() if name != "SER_API_KEY"}
    refused = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 7
    assert "set SER_API_KEY, or use --api-key" in refused.stderr
    environment["SER_API_KEY"] = KEY
    listed = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert "Frames" in listed.stdout


def test_the_typescript_module_works_behind_the_prefix(address: str, tmp_path: Path) -> None:
    with run_web_module(tmp_path) as web:
        web.call("connect", address=address, options={"apiKey": KEY})
        for network in ("Frames", "DNN"):
            results = web.call_with(noise(1), "predict", network=network)["results"]
            assert np.sum([item["prediction"] for item in results]) == pytest.approx(1, abs=1e-3)


def test_the_page_asks_for_the_key_and_keeps_it_for_the_tab(
    address: str, browser: Browser, original: Path
) -> None:
    with visiting(browser, f"{address}/") as open_page:
        visited = open_page()
        page = visited.page
        form = page.locator("#notice form")
        expect(form).to_contain_text("This server needs an API key")
        form.get_by_label("API key").fill("another")
        form.get_by_role("button").click()
        expect(form).to_contain_text("The server does not know this key.")
        assert visited.severe_violations() == []
        visited.screenshot("api-key")
        form.get_by_label("API key").fill(KEY)
        form.get_by_role("button").click()
        visited.wait_for_agreement()
        visited.analyse(original)

        urls = [request.url for request in visited.requests if request.url.startswith("http")]
        assert urls
        assert all(url.startswith(f"{address}/") and KEY not in url for url in urls)
        visited.by_id("log-summary").click()
        for summary in visited.by_id("log-rows").locator("summary").all():
            summary.click()
        assert KEY not in page.content()
        assert page.evaluate("[Object.values(sessionStorage), localStorage.length]") == [[KEY], 0]

        page.reload()
        visited.wait_for_agreement()  # without another question
        other = page.context.new_page()  # another tab
        other.goto(f"{address}/")
        expect(other.locator("#notice form")).to_contain_text("This server needs an API key")
