"""The files for recordings and of networks, served by Nginx and, without it, by the application."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.support.access_log import find_request
from tests.support.harness import Server, free_port, running
from tests.support.metrics import samples
from tests.support.models.tiny import (
    write_extractor,
    write_recording_extractor,
    write_vector_network,
)
from tests.support.problems import check_problem

EXTRACTOR, CLIP = "/init/extractor-48000.onnx", "/init/reference-48000-stereo.wav"
NETWORK = "/init/networks/DNN.onnx"
LABELS = {
    EXTRACTOR: "/init/extractor-{rate}.onnx",
    CLIP: "/init/reference-{clip}.wav",
    NETWORK: "/init/networks/{networkType}.onnx",
}
HEADERS = ("content-type", "content-length", "cache-control", "content-range")


class Pair(NamedTuple):
    """Two servers of the same models."""

    nginx: Server
    alone: Server
    operator: str

    def same(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """The answer of Nginx, which is the same as the application's."""
        ours, theirs = (
            server.client.request(method, path, headers=headers)
            for server in (self.nginx, self.alone)
        )
        assert ours.status_code == theirs.status_code
        assert ours.content == theirs.content
        for name in HEADERS:
            assert ours.headers.get(name) == theirs.headers.get(name), name
        return ours


@pytest.fixture(scope="module")
def servers(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    models = tmp_path_factory.mktemp("models")
    write_extractor(models)
    write_vector_network(models, "DNN")
    for rate in (8_000, 22_050, 48_000):
        write_recording_extractor(models, rate)
    settings = {"SER_MODELS_DIRECTORY": models, "SER_SERVER_WORKERS": 1}
    port = free_port()
    with (
        running(tmp_path_factory.mktemp("run"), SER_SERVER_OPERATOR_PORT=port, **settings) as first,
        running(tmp_path_factory.mktemp("run"), "--without-nginx", **settings) as second,
    ):
        yield Pair(first, second, f"http://127.0.0.1:{port}")


def test_every_file_of_the_handshake_is_served(servers: Pair) -> None:
    handshake = servers.same("/init/configuration").json()
    files = [*handshake["recordings"]["extractors"], *handshake["references"]]
    files += [network["file"] for network in handshake["networks"]]
    assert len(files) == 7
    for file in files:
        assert servers.same(file["url"]).status_code == 200
        assert servers.same(file["url"].partition("?")[0]).status_code == 200
        assert servers.same(file["url"], "HEAD").content == b""


@pytest.mark.parametrize("path", LABELS)
def test_ranges_and_current_copies_are_served(servers: Pair, path: str) -> None:
    whole = servers.same(path)
    assert whole.headers["cache-control"] == "public, no-cache"
    part = servers.same(path, Range="bytes=2-5")
    assert (part.status_code, part.content) == (206, whole.content[2:6])
    assert servers.nginx.client.get(path, headers={"Range": "bytes=9999999-"}).status_code == 416
    for server in (servers.nginx, servers.alone):
        tag = server.client.get(path).headers["etag"]
        current = server.client.get(path, headers={"If-None-Match": tag})
        assert (current.status_code, current.content) == (304, b"")


@pytest.mark.parametrize("path", LABELS)
@pytest.mark.parametrize("version", ["0" * 64, "x", "of another file"])
def test_another_version_returns_404(servers: Pair, path: str, version: str) -> None:
    if version == "of another file":
        extractors = servers.same("/init/configuration").json()["recordings"]["extractors"]
        version = extractors[0]["sha256"]
    problem = check_problem(servers.same(f"{path}?sha256={version}"), 404)
    assert problem["type"] == "urn:problem:speech-emotion:file-replaced"


@pytest.mark.parametrize(
    "path",
    [
        "/init/extractor-44100.onnx",
        "/init/extractor-a.onnx",
        "/init/reference-8000.wav",
        "/init/networks/CNN.onnx",
        "/init/networks/mfcc.onnx",
        "/init/networks/extractor-8000.onnx",
    ],
)
def test_a_file_that_the_models_lack_returns_404(servers: Pair, path: str) -> None:
    problem = check_problem(servers.same(path), 404)
    assert problem["type"] == "urn:problem:speech-emotion:file-replaced"


def test_the_application_has_the_networks_of_an_earlier_versions_release(servers: Pair) -> None:
    network = servers.same("/init/configuration").json()["networks"][0]
    sha256 = network["file"]["sha256"]
    (second_name,) = servers.nginx.runtime.glob(f"**/current/DNN.onnx.{sha256}")
    second_name.rename(second_name.with_suffix(".hidden"))
    try:
        answer = servers.same(network["file"]["url"], Range="bytes=0-")
        assert hashlib.sha256(answer.content).hexdigest() == sha256
    finally:
        second_name.with_suffix(".hidden").rename(second_name)


def test_a_file_takes_no_other_method(servers: Pair) -> None:
    for path in LABELS:
        answer = servers.nginx.client.post(path)
        check_problem(answer, 405)
        assert answer.headers["allow"] == "GET, HEAD"
        check_problem(servers.alone.client.post(path), 405)


@pytest.mark.parametrize("path", LABELS)
def test_metrics_and_the_log_name_the_kind_of_file(servers: Pair, path: str) -> None:
    label = frozenset({"route": LABELS[path], "status": "200"}.items())

    def count() -> float:
        found = samples(httpx.get(f"{servers.operator}/metrics").text)
        return found.get(("nginx_answers_total", label), 0.0)

    before = count()
    identifier = f"one{path[6:9]}"
    servers.nginx.client.get(path, headers={"X-Request-Id": identifier})
    assert count() == before + 1
    assert find_request(servers.nginx, identifier)["route"] == LABELS[path]


def test_an_operator_keeps_the_networks_to_himself(
    nginx: Path, tmp_path: Path, servers: Pair
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    write_extractor(models)
    write_vector_network(models, "DNN")
    settings = {"SER_MODELS_DIRECTORY": models, "SER_MODELS_DOWNLOADS": "no"}
    sha256 = servers.same("/init/configuration").json()["networks"][0]["file"]["sha256"]
    with running(tmp_path / "run", **settings) as server:
        (network,) = server.client.get("/init/configuration").json()["networks"]
        assert "file" not in network
        for path in (NETWORK, f"{NETWORK}?sha256={sha256}"):
            problem = check_problem(server.client.get(path), 404)
            assert problem["type"] == "urn:problem:speech-emotion:no-downloads"
