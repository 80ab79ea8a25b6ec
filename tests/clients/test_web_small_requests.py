"""The web module posts frames in binary where the handshake says so; the answer is the same."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.clients.test_web_client import application
from tests.support.clip_requests import (
    BINARY,
    JSON,
    members_of,
    paths,
    posts,
    without_inference,
)
from tests.support.hostile.extractors import with_frames
from tests.support.hostile.faulty_proxy import Change, FaultyProxy, replaced_by
from tests.support.hostile.pages import PREDICTION, HostilePages, document, network
from tests.support.models.shipped import MODELS, copy_features, shipped_recipe
from tests.support.models.tiny import write_frame_network
from tests.support.sounds import noise
from tests.support.web.driver import WebError, WebModule

SHIPPED = ("TCN.onnx", "TCN-ensemble.onnx", "DNN.onnx", "DNN-prosody.onnx")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("models")
    copy_features(folder)
    known: dict[str, Any] = {"recipe": shipped_recipe(), "distance_limit": 1000.0}
    write_frame_network(folder, "Plain", **known)
    members = ("prosody", "baseline")
    write_frame_network(folder, "Voice", members=members, baseline_limit=5.0, **known)
    for name in SHIPPED:
        shutil.copy(MODELS / name, folder)
    app = create_app(Settings(ServerSettings(), ModelSettings(folder)), load_catalog(folder))
    with application(app) as url:
        yield url


@pytest.fixture
def proxy(address: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(address) as proxy:
        yield proxy


def predict(web: WebModule, network: str, seconds: float = 1, **options: Any) -> Any:
    return web.call_with(noise(seconds), "predict", network=network, **options)


def asked_in_full(web: WebModule, address: str, network: str, baseline: Any) -> Any:
    """The answer of `/prediction` to all digits."""
    frames, mfccs, prosody, statistics = web.outputs(noise(1))
    vector = network.startswith("DNN")
    body: dict[str, Any] = {
        "mfccs": (mfccs if vector else frames).tolist(),
        "prosody": (statistics if vector else prosody).tolist(),
    }
    if baseline:
        body["baseline"] = baseline
    return httpx.post(address + JSON.format(network), json=body).json()


def check(found: Any, expected: Any, tolerance: float) -> None:
    """The labels and the words are the same; the numbers differ by rounding alone."""
    for one, other in zip(found["results"], expected["results"], strict=True):
        assert one["emotionType"] == other["emotionType"]
        assert one["prediction"] == pytest.approx(other["prediction"], abs=tolerance, rel=0)
    assert found.keys() == expected.keys()
    if "warning" in expected:
        distance = pytest.approx(expected["warning"]["distance"], rel=10 * tolerance)
        assert found["warning"] == expected["warning"] | {"distance": distance}


@pytest.mark.parametrize("network", ["TCN", "TCN-ensemble", "Voice", "DNN-prosody"])
def test_binary_rounded_and_full_requests_have_the_same_answer(
    web: WebModule, address: str, proxy: FaultyProxy, network: str
) -> None:
    web.call("connect", address=address)
    brown = np.cumsum(noise(2)) * np.float32(1e-3)
    other = web.call_with(brown, "withClip")
    for baseline in (None, other):
        options = {"baseline": baseline} if baseline else {}
        expected = asked_in_full(web, address, network, baseline)
        web.call("connect", address=address)
        exact = 1e-4 if network.startswith("DNN") else 1e-6
        check(predict(web, network, **options), expected, exact)
        proxy.faults[BINARY.format(network)] = [replaced_by(404)]
        web.call("connect", address=proxy.url)
        check(predict(web, network, **options), expected, 1e-4)


def test_a_clip_of_three_seconds_is_posted_in_14_kilobytes(
    web: WebModule, proxy: FaultyProxy
) -> None:
    web.call("connect", address=proxy.url)
    predict(web, "Plain", 3)
    frames, _, prosody, _ = web.outputs(noise(3))
    baseline = web.call_with(noise(3), "withClip")
    predict(web, "Voice", 3, baseline=baseline)
    (path, plain), (_, voice) = posts(proxy)
    assert path == BINARY.format("Plain")
    assert frames.nbytes == 13_000
    assert 13_000 < len(plain) < 13_250
    assert 4 * (130 * 28 + 57) < len(voice) < 4 * (130 * 28 + 57) + 500
    sent = members_of(voice)
    assert np.array_equal(np.float32(sent["mfccs"]), frames)
    assert np.array_equal(np.float32(sent["prosody"]), prosody)
    assert sent["baseline"]["clips"] == 1
    for name in ("mfccs", "prosody"):
        for each in ("mean", "spread"):
            expected = pytest.approx(baseline[name][each], rel=1e-6)
            assert sent["baseline"][name][each] == expected


def test_vectors_stay_json_and_get_shorter(web: WebModule, proxy: FaultyProxy) -> None:
    web.call("connect", address=proxy.url)
    predict(web, "DNN")
    ((path, body),) = posts(proxy)
    assert path == JSON.format("DNN")
    assert len(body) < 210


def test_a_clip_that_is_warned_of_is_posted_once(web: WebModule, proxy: FaultyProxy) -> None:
    web.call("connect", address=proxy.url)
    assert predict(web, "TCN")["warning"]["code"] == "outside-training-distribution"
    assert paths(proxy) == [BINARY.format("TCN")]


def test_a_server_whose_handshake_is_silent_gets_json(web: WebModule, proxy: FaultyProxy) -> None:
    proxy.faults["/init/configuration"] = [without_inference]
    web.call("connect", address=proxy.url)
    predict(web, "TCN")
    assert paths(proxy) == [JSON.format("TCN")]


@pytest.mark.parametrize(
    "fault",
    [
        replaced_by(404, b"<html>Not Found</html>", Content_Type="text/html"),
        replaced_by(405),
        replaced_by(415),
        replaced_by(301, Location="https://example.org/"),
        replaced_by(200, b"<html>It works!</html>", Content_Type="text/html"),
        None,
    ],
    ids=["404", "405", "415", "redirect", "page", "proxy without header"],
)
def test_a_proxy_that_refuses_binary_requests_is_tried_once(
    web: WebModule, proxy: FaultyProxy, fault: Change | None
) -> None:
    if fault is None:
        proxy.passed_on = ("Content-Type",)
    else:
        proxy.faults[BINARY.format("Plain")] = [fault]
    web.call("connect", address=proxy.url)
    first, second = predict(web, "Plain"), predict(web, "Plain")
    assert first == second
    assert paths(proxy) == [BINARY.format("Plain"), *[JSON.format("Plain")] * 2]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_gets_no_second_request(
    web: WebModule, proxy: FaultyProxy, status: int
) -> None:
    error = b'{"error": "Too much to do."}'
    proxy.faults[BINARY.format("Plain")] = [replaced_by(status, error, Retry_After="7")]
    web.call("connect", address=proxy.url)
    with pytest.raises(WebError, match="Too much to do") as caught:
        predict(web, "Plain")
    assert (caught.value.members["status"], caught.value.members["retryAfter"]) == (status, 7)
    assert paths(proxy) == [BINARY.format("Plain")]


@pytest.mark.parametrize("status", [413, 500])
def test_a_passing_fault_says_nothing_of_the_next_clip(
    web: WebModule, proxy: FaultyProxy, status: int
) -> None:
    proxy.faults[BINARY.format("Plain")] = [replaced_by(status)]
    web.call("connect", address=proxy.url)
    for _ in range(2):
        predict(web, "Plain")
    assert paths(proxy) == [BINARY.format("Plain"), JSON.format("Plain"), BINARY.format("Plain")]


def test_a_refusal_is_that_of_prediction(web: WebModule, proxy: FaultyProxy) -> None:
    binary, path = BINARY.format("Plain"), JSON.format("Plain")
    problem = json.dumps({"title": "Invalid features", "pointer": "/mfccs"}).encode()
    proxy.faults[binary] = [replaced_by(400, b'{"error": "inputs[0] is odd"}')]
    proxy.faults[path] = [replaced_by(422, problem, Content_Type="application/problem+json")]
    web.call("connect", address=proxy.url)
    with pytest.raises(WebError, match="Invalid features") as caught:
        predict(web, "Plain")
    assert caught.value.members["problem"]["pointer"] == "/mfccs"
    predict(web, "Plain")  # such a refusal says nothing of the next clip
    assert paths(proxy) == [binary, path, binary]


@pytest.mark.parametrize("is_own", [True, False])
def test_a_page_of_another_origin_sends_json(
    web: WebModule, proxy: FaultyProxy, is_own: bool
) -> None:
    """Its browser would ask whether the header of binary requests is allowed."""
    own = proxy.url.removesuffix("/prefix")
    web.call("connect", address=proxy.url, origin=own if is_own else "https://example.org")
    predict(web, "Plain")
    assert paths(proxy) == [(BINARY if is_own else JSON).format("Plain")]


def answer_of(*probabilities: Any, **changes: Any) -> dict[str, Any]:
    return {"outputs": [{"name": "probabilities", "data": [*probabilities]}]} | changes


ODD: dict[str, Any] = {
    "null": None,
    "no outputs": {},
    "no list": {"outputs": 7},
    "a wrong sum": answer_of("0.5:0:calm"),
    "no number": answer_of("x:0:calm"),
    "nothing": answer_of(":0:calm"),
    "a number": answer_of(1),
    "below 0": answer_of("-1:0:calm", "2:1:happy"),
    "half a warning": answer_of("1:0:calm", parameters={"warning": "toString"}),
}


@pytest.mark.parametrize("name", ["innocent", *ODD])
def test_an_odd_answer_to_a_binary_request_is_not_believed(web: WebModule, name: str) -> None:
    path = BINARY.format("Net")
    with HostilePages() as server:
        offer = {"url": path, "relativeUrl": f"..{path}", "binary": True, "warningDetails": True}
        offered = network(emotions=["calm", "sad"], inference=offer)
        server.offer(with_frames(np.zeros((2, 25))), networks=[offered])
        server.pages[path] = document(ODD.get(name, answer_of("0.75:1:sad", "0.25:0:calm")))
        web.call("connect", address=server.url)
        results = web.call_with(noise(1), "predict", network="Net")["results"]
        assert server.posts == ([path] if name == "innocent" else [path, PREDICTION])
    found = [(item["emotionType"], item["prediction"]) for item in results]
    assert found == ([("calm", 0.25), ("sad", 0.75)] if name == "innocent" else [("calm", 1)])


@pytest.mark.parametrize(
    "inference",
    [
        7,
        {},
        {"url": "/v2", "binary": True},
        {"url": "/v2", "binary": 1, "warningDetails": True},
        {"url": "/v2", "relativeUrl": 7, "binary": True, "warningDetails": True},
        {"url": "/v2", "relativeUrl": "../../v2", "binary": True, "warningDetails": True},
    ],
)
def test_an_odd_address_is_another_server(web: WebModule, inference: Any) -> None:
    with HostilePages() as server:
        server.offer(with_frames(np.zeros((2, 25))), networks=[network(inference=inference)])
        server.pages["/emotion/init/configuration"] = server.pages["/init/configuration"]
        with pytest.raises(WebError) as caught:
            web.call("connect", address=f"{server.url}/emotion")
    assert caught.value.name == "WrongServerError"
