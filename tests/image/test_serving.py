"""The locked-down container serves all of the API."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from configuration import ROOT
from server.models.files import is_extractor
from tests.image.podman import Container, Podman
from tests.support.offline import open_network, predict

MODELS = ROOT / "models"
MANIFEST = ROOT / "deploy" / "kubernetes" / "base" / "deployment.yaml"
FRAMES = np.arange(12 * 25, dtype=np.float32).reshape(12, 25) % 97 - 60


def test_every_network_predicts_the_same_as_onnx_runtime(container: Container) -> None:
    with container.client() as client:
        networks = client.get("/init/configuration").json()["networks"]
        assert {f"{network['networkType']}.onnx" for network in networks} == {
            path.name for path in MODELS.glob("*.onnx") if not is_extractor(path)
        }
        for network in networks:
            name = network["networkType"]
            answer = client.post(f"/prediction/{name}", json={"mfccs": FRAMES.tolist()})
            assert answer.status_code == 200, answer.text
            results = answer.json()["results"]
            assert [result["emotionType"] for result in results] == network["emotions"]
            expected = predict(open_network(MODELS / f"{name}.onnx"), FRAMES)
            given = [result["prediction"] for result in results]
            np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("member", ["extractor", "reference"])
def test_the_handshake_names_the_files_that_are_served(container: Container, member: str) -> None:
    with container.client() as client:
        described = client.get("/init/configuration").json()[member]
        content = client.get(described["url"]).content
    assert hashlib.sha256(content).hexdigest() == described["sha256"]


def test_the_reference_verifies(container: Container) -> None:
    with container.client() as client:
        reference = client.get("/init/configuration").json()["reference"]
        answer = client.post("/init/verification", json={"mfccs": reference["mfccs"]})
    assert answer.json()["verdict"] == "agreement"


def test_the_page_and_its_assets_are_served(container: Container) -> None:
    with container.client() as client:
        page = client.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        files = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page.text)
        assert {file.rpartition(".")[2] for file in files} >= {"js", "css"}
        for file in files:
            assert client.get(f"/{file}").status_code == 200
            assert client.get(f"/{file}").headers["content-encoding"] == "gzip"


def test_the_container_is_healthy(container: Container) -> None:
    assert container.healthcheck() == 0


def test_the_ports_of_the_manifest_answer(podman: Podman) -> None:
    container = yaml.safe_load(MANIFEST.read_text())["spec"]["template"]["spec"]["containers"][0]
    variables = [f"--env={entry['name']}={entry['value']}" for entry in container["env"]]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    with podman.running(*variables) as running, running.client() as client:
        assert client.get(f"http://127.0.0.1:{ports['metrics']}/metrics").status_code == 200
        assert client.get(f"http://127.0.0.1:{ports['http']}/metrics").status_code == 404
        sockets = Path(f"/proc/{running.process}/net/tcp").read_text()
        for port in ports.values():
            assert f" 00000000:{port:04X} " in sockets  # on every address
