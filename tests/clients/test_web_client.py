"""The web module connected to the server, and to other kinds of servers."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from falcon.asgi import App

from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.support.models.shipped import VERSION_1, copy_features, shipped_recipe
from tests.support.models.tiny import write_frame_network, write_vector_network
from tests.support.sounds import noise
from tests.support.web.driver import WebError, WebModule

TINY_VECTOR_LIMIT = 5.0  # every clip exceeds it and gets a warning
TINY_FRAME_LIMIT = 100.0


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's extractor and reference clip, and two small networks."""
    folder = tmp_path_factory.mktemp("models")
    copy_features(folder, VERSION_1)
    recipe = shipped_recipe()
    write_vector_network(folder, "DNN", recipe=recipe, distance_limit=TINY_VECTOR_LIMIT)
    write_frame_network(folder, "TCN", recipe=recipe, distance_limit=TINY_FRAME_LIMIT)
    return folder


@contextmanager
def listening_socket() -> Iterator[tuple[socket.socket, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def application(app: App[Any, Any]) -> Iterator[str]:
    """Serves an application; yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with listening_socket() as (listener, url):
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield url
        server.should_exit = True
        thread.join(timeout=30)


@pytest.fixture(scope="module")
def address(models: Path) -> Iterator[str]:
    """The address of the application."""
    app = create_app(Settings(ServerSettings(), ModelSettings(models)), load_catalog(models))
    with application(app) as url:
        yield url


@pytest.fixture
def connected(web: WebModule, address: str) -> WebModule:
    """The module, connected to the application."""
    web.call("connect", address=address)
    return web


Page = tuple[int, str, bytes]  # status, content type, body


@contextmanager
def serve(pages: Mapping[str, Page], **headers: str) -> Iterator[str]:
    """A server of fixed pages; the page "*" answers all other paths."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content_type, body = pages.get(self.path.partition("?")[0]) or pages["*"]
            self.send_response(status)
            for name, value in {"Content-Type": content_type, **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(timeout=30)


@pytest.fixture
def pages(web: WebModule, address: str, models: Path) -> dict[str, Page]:
    """The answers of the server to `connect` and `extract`."""
    handshake = json.dumps(web.call("connect", address=address)).encode()
    return {
        "/init/configuration": (200, "application/json", handshake),
        "/init/mfcc.onnx": (200, "application/octet-stream", (models / "mfcc.onnx").read_bytes()),
        "*": (404, "text/plain", b"not here"),
    }


def test_the_handshake_names_the_networks(web: WebModule, address: str) -> None:
    handshake = web.call("connect", address=address)
    assert [network["networkType"] for network in handshake["networks"]] == ["DNN", "TCN"]


def test_an_address_may_end_in_a_slash(web: WebModule, address: str) -> None:
    assert web.call("connect", address=f"{address}/")["numberOfMfccs"] == 25


@pytest.mark.parametrize("network", ["DNN", "dnn", "TCN"])
def test_predicts_what_the_network_says_of_the_features(
    connected: WebModule, models: Path, network: str
) -> None:
    frames, _ = connected.extract(noise(1))
    answer = connected.call_with(noise(1), "predict", network=network)
    served = load_catalog(models).find(network)
    assert served
    assert [item["emotionType"] for item in answer["results"]] == ["angry", "calm", "happy"]
    found = [item["prediction"] for item in answer["results"]]
    assert found == pytest.approx(served.predict(frames).probabilities, abs=1e-3)


def test_a_warning_is_passed_on(connected: WebModule) -> None:
    warning = connected.call_with(noise(1), "predict", network="DNN")["warning"]
    assert warning["code"] == "outside-training-distribution"
    assert warning["distance"] > warning["limit"] == TINY_VECTOR_LIMIT


def test_no_warning_where_the_server_gives_none(connected: WebModule) -> None:
    assert "warning" not in connected.call_with(noise(1), "predict", network="TCN")


def test_verifies_itself_as_vector_and_as_frames(connected: WebModule) -> None:
    found = [(item["form"], item["verdict"]) for item in connected.call("verify")]
    assert found == [("vector", "agreement"), ("frames", "agreement")]


def test_an_unknown_network_is_a_problem_that_names_the_known(connected: WebModule) -> None:
    with pytest.raises(WebError, match="DNN, TCN") as caught:
        connected.call_with(noise(1), "predict", network="Nobody")
    assert caught.value.name == "ServerProblemError"
    assert caught.value.members["status"] == 404
    assert caught.value.members["problem"]["type"].endswith(":unknown-network")


def test_finds_a_server_under_a_path(web: WebModule, pages: dict[str, Page]) -> None:
    with serve({f"/emotions{path}": page for path, page in pages.items()}) as url:
        web.call("connect", address=f"{url}/emotions")
        frames, _ = web.extract(noise(1))
    assert frames.shape == (44, 25)


def test_a_changed_extractor_is_refused(web: WebModule, pages: dict[str, Page]) -> None:
    status, content_type, content = pages["/init/mfcc.onnx"]
    pages["/init/mfcc.onnx"] = (status, content_type, content[:-1] + b"?")
    with serve(pages) as url:
        web.call("connect", address=url)
        with pytest.raises(WebError, match=r"ExtractorError: /init/mfcc\.onnx\S* is not the file"):
            web.extract(noise(1))


def test_fetches_the_extractor_again_after_a_failure(
    web: WebModule, pages: dict[str, Page]
) -> None:
    extractor = pages.pop("/init/mfcc.onnx")
    pages["*"] = (503, "text/plain", b"")
    with serve(pages) as url:
        web.call("connect", address=url)
        with pytest.raises(WebError, match="ServerProblemError: Status 503"):
            web.extract(noise(1))
        pages["/init/mfcc.onnx"] = extractor
        assert web.extract(noise(1))[0].shape == (44, 25)


def test_a_busy_server_gives_a_retry_time(web: WebModule) -> None:
    problem = {"title": "Too many requests", "detail": "At most 50 a second.", "pointer": "/x"}
    body = json.dumps(problem).encode()
    pages = {"*": (429, "application/problem+json; charset=utf-8", body)}
    with serve(pages, Retry_After="3") as url, pytest.raises(WebError) as caught:
        web.call("connect", address=url)
    assert caught.value.members == {
        "name": "ServerProblemError",
        "message": "Too many requests: At most 50 a second.",
        "status": 429,
        "problem": {"type": "about:blank", **problem},
        "retryAfter": 3,
    }


def test_no_server(web: WebModule) -> None:
    with listening_socket() as (_, url):
        pass  # the port is free again
    with pytest.raises(WebError, match=f"NoServerError: No server answers at {url}/"):
        web.call("connect", address=url)


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ((200, "text/html", b"<p>It works!"), "/init/configuration is not JSON"),
        ((404, "text/html", b"<p>Not found"), "answers 404"),
        ((200, "application/json", b"null"), "features.sampleRate is missing"),
        ((200, "application/json", b'{"numberOfMfccs": 25}'), "features.sampleRate is missing"),
        (
            (200, "application/json", b'{"features": {"sampleRate": 22050, "nMfcc": 25}}'),
            "features.hopLength is missing",
        ),
    ],
)
def test_another_kind_of_server(web: WebModule, page: Page, reason: str) -> None:
    with serve({"*": page}) as url, pytest.raises(WebError, match=reason) as caught:
        web.call("connect", address=url)
    assert caught.value.name == "WrongServerError"


@pytest.mark.parametrize("address", ["localhost:8080", "", "ftp://localhost", "/init"])
def test_an_invalid_address(web: WebModule, address: str) -> None:
    with pytest.raises(WebError, match=f'InvalidAddressError: "{address}"'):
        web.call("connect", address=address)
