"""Frames are posted in binary where the handshake says so; the answer is that of `/prediction`."""

import itertools
import json
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from speech_emotion import Baseline, Client, Features, Limits, Prediction
from speech_emotion.errors import NoServerError, ServerProblemError, WrongServerError

from tests.clients.python.conftest import HANDSHAKE, Connect, predict
from tests.support.clip_requests import (
    BINARY,
    JSON,
    members_of,
    paths,
    posts,
    without_inference,
)
from tests.support.hostile.faulty_proxy import Change, FaultyProxy, replaced_by, reset
from tests.support.hostile.server import HostileServer, Reply, head, response

RATE = 22_050
NETWORKS = ["TCN", "TCN-ensemble", "Voice", "Frames", "CNN", "DNN", "DNN-prosody"]


@pytest.fixture
def client(proxy: FaultyProxy) -> Client:
    return Client(proxy.url)


@pytest.fixture(scope="module")
def clips(server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Features, Features]:
    """Three seconds like a voice, 130 frames, and a second of noise."""
    seconds = np.arange(3 * RATE) / RATE
    phase = np.cumsum(2 * np.pi * (140 + 20 * np.sin(2 * np.pi * 3 * seconds)) / RATE)
    voice = np.sum([np.sin(n * phase) / n for n in range(1, 25)], axis=0)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, RATE)
    client = Client(server, cache=tmp_path_factory.mktemp("cache"))
    return client.features(0.2 * voice, RATE), client.features(noise, RATE)


@pytest.fixture
def voice(clips: tuple[Features, Features]) -> Features:
    return clips[0]


@pytest.fixture
def noise(clips: tuple[Features, Features]) -> Features:
    return clips[1]


def asked_in_full(
    server: str, network: str, features: Features, baseline: Baseline | None
) -> dict[str, Any]:
    """The answer of `/prediction` to all digits."""
    vector = network in {"CNN", "DNN", "DNN-prosody"}
    prosody = features.statistics if vector else features.prosody
    assert prosody is not None
    body: dict[str, Any] = {
        "mfccs": (features.vector if vector else features.frames).tolist(),
        "prosody": prosody.tolist(),
    }
    if baseline:
        body["baseline"] = {
            "clips": baseline.clips,
            "mfccs": vars(baseline.mfccs),
            "prosody": vars(baseline.prosody),
        }
    answer: dict[str, Any] = httpx.post(server + JSON.format(network), json=body).json()
    return answer


def check(found: Prediction, expected: dict[str, Any], tolerance: float) -> None:
    """The warning has the same words; the numbers differ by rounding alone."""
    probabilities = {item["emotionType"]: item["prediction"] for item in expected["results"]}
    assert found.probabilities == pytest.approx(probabilities, abs=tolerance, rel=0)
    assert list(found.probabilities) == list(probabilities)
    if found.warning is None:
        assert "warning" not in expected
    else:
        distance = pytest.approx(expected["warning"]["distance"], rel=10 * tolerance)
        assert vars(found.warning) == expected["warning"] | {"distance": distance}


@pytest.mark.parametrize("network", NETWORKS)
def test_binary_rounded_and_full_requests_have_the_same_answer(
    network: str, server: str, proxy: FaultyProxy, clips: tuple[Features, Features]
) -> None:
    client, rounding = Client(proxy.url), Client(proxy.url)
    voice, noise = clips
    proxy.faults[BINARY.format(network)] = [replaced_by(404)]
    rounding.predict_features(voice, network)
    baseline = Baseline().with_clip(voice).with_clip(noise)
    for features, earlier in itertools.product((voice, noise), (None, baseline)):
        expected = asked_in_full(server, network, features, earlier)
        proxy.requests.clear()
        check(rounding.predict_features(features, network, earlier), expected, 1e-4)
        assert paths(proxy) == [JSON.format(network)]
        exact = 1e-6 if client.contract.network(network).input == "frames" else 1e-4
        check(client.predict_features(features, network, earlier), expected, exact)


def test_a_clip_of_three_seconds_is_posted_in_14_kilobytes(
    proxy: FaultyProxy, client: Client, voice: Features
) -> None:
    assert voice.frames.shape == (130, 25)
    client.predict_features(voice, "Frames")
    client.predict_features(voice, "Voice", Baseline().with_clip(voice))
    (path, frames), (_, members), *_ = posts(proxy)
    assert path == "/v2/models/Frames/infer"
    assert 13_000 < len(frames) < 13_250
    assert 4 * (130 * 28 + 57) < len(members) < 4 * (130 * 28 + 57) + 500
    sent = members_of(members)
    assert np.array_equal(np.float32(sent["mfccs"]), voice.frames)
    assert np.array_equal(np.float32(sent["prosody"]), np.asarray(voice.prosody))


def test_vectors_stay_json_and_get_shorter(
    proxy: FaultyProxy, client: Client, voice: Features
) -> None:
    client.predict_features(voice, "DNN")
    ((path, body),) = posts(proxy)
    assert path == "/prediction/DNN"
    assert len(body) < 210
    assert json.loads(body)["mfccs"] == pytest.approx(voice.vector.tolist(), abs=6e-4)


def test_a_clip_that_is_warned_of_is_posted_once(
    server: str, proxy: FaultyProxy, client: Client, noise: Features
) -> None:
    found = client.predict_features(noise, "TCN")
    assert found.warning
    assert found.warning.code == "outside-training-distribution"
    check(found, asked_in_full(server, "TCN", noise, None), 1e-6)
    assert paths(proxy) == [BINARY.format("TCN")]


def test_a_server_whose_handshake_is_silent_gets_json(
    proxy: FaultyProxy, client: Client, voice: Features
) -> None:
    proxy.faults[HANDSHAKE] = [without_inference]
    client.predict_features(voice, "TCN")
    assert paths(proxy) == [JSON.format("TCN")]


def stripped(proxy: FaultyProxy) -> None:
    proxy.passed_on = ("Content-Type",)


@pytest.mark.parametrize(
    "fault",
    [
        replaced_by(404, b"<html>Not Found</html>", Content_Type="text/html"),
        replaced_by(405),
        replaced_by(415),
        replaced_by(403),
        replaced_by(301, Location="https://example.org/"),
        replaced_by(200, b"<html>It works!</html>", Content_Type="text/html"),
        replaced_by(200, b'{"results": []}'),
        stripped,
    ],
    ids=["404", "405", "415", "403", "redirect", "page", "another answer", "proxy without header"],
)
def test_a_proxy_that_refuses_binary_requests_is_tried_once(
    fault: Any, proxy: FaultyProxy, client: Client, voice: Features
) -> None:
    path = BINARY.format("TCN")
    if fault is stripped:
        stripped(proxy)
    else:
        proxy.faults[path] = [fault]
    found = [client.predict_features(voice, "TCN") for _ in range(3)]
    assert paths(proxy) == [path, *[JSON.format("TCN")] * 3]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("fault", [replaced_by(status) for status in (413, 500)])
def test_a_passing_fault_says_nothing_of_the_next_clip(
    fault: Change, proxy: FaultyProxy, client: Client, voice: Features
) -> None:
    proxy.faults[BINARY.format("TCN")] = [fault]
    for _ in range(2):
        client.predict_features(voice, "TCN")
    assert paths(proxy) == [BINARY.format("TCN"), JSON.format("TCN"), BINARY.format("TCN")]


def test_a_busy_server_gets_the_same_request_again(
    proxy: FaultyProxy, client: Client, voice: Features
) -> None:
    path = BINARY.format("TCN")
    proxy.faults[path] = [replaced_by(503), replaced_by(503)]
    client.predict_features(voice, "TCN")
    assert paths(proxy) == [path] * 3


def test_the_reason_of_a_busy_server_is_shown(
    proxy: FaultyProxy, client: Client, voice: Features
) -> None:
    path = BINARY.format("TCN")
    fault = replaced_by(429, b'{"error": "Too many requests from your address."}')
    proxy.faults[path] = [fault]
    with pytest.raises(ServerProblemError, match="Too many requests from your address") as caught:
        client.predict_features(voice, "TCN")
    assert caught.value.status == 429
    assert paths(proxy) == [path]


def test_a_lost_connection_is_tried_again_in_binary(
    proxy: FaultyProxy, client: Client, voice: Features
) -> None:
    path = BINARY.format("Frames")
    proxy.faults[path] = [reset]
    client.predict_features(voice, "Frames")
    assert paths(proxy) == [path, path]


def test_a_refusal_is_that_of_prediction_and_says_nothing_of_the_next_clip(
    proxy: FaultyProxy, client: Client, voice: Features
) -> None:
    frames = np.zeros((8_193, 25), np.float32)
    with pytest.raises(ServerProblemError, match="at most 3,000 frames") as caught:
        client.predict_features(replace(voice, frames=frames), "Frames")
    assert (caught.value.status, caught.value.pointer) == (422, "/mfccs")
    client.predict_features(voice, "Frames")
    assert paths(proxy)[-1] == BINARY.format("Frames")


# A hostile server


def answer_of(**changes: Any) -> dict[str, Any]:
    outputs = [
        {"name": "probabilities", "data": ["0.9:0:calm", "0.1:1:happy"]},
        {"name": "distance", "data": [1.0]},
    ]
    return {"model_name": "F", "model_version": "1", "outputs": outputs} | changes


@pytest.fixture
def offering(hostile: HostileServer) -> HostileServer:
    """A server that says that it takes binary requests."""
    path = BINARY.format("F")
    offer = {"url": path, "relativeUrl": f"..{path}", "binary": True, "warningDetails": True}
    (network,) = (n for n in hostile.document["networks"] if n["networkType"] == "F")
    network["inference"] = offer
    return hostile


def outputs_of(*probabilities: Any) -> list[dict[str, Any]]:
    return [{"name": "probabilities", "data": [*probabilities]}]


def test_an_innocent_server_is_believed(offering: HostileServer, connect: Connect) -> None:
    body = json.dumps(answer_of()).encode()
    offering.replies[BINARY.format("F")] = lambda: iter([response(body)])
    assert predict(connect(offering)).probabilities == {"calm": 0.9, "happy": 0.1}
    assert offering.posted == []


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        answer_of(outputs=outputs_of("0.9:0:calm")),
        answer_of(outputs=outputs_of("0.9:0:calm", "0.1:1:angry")),
        answer_of(outputs=outputs_of("0.9:0:calm", "0.9:1:happy")),
        answer_of(outputs=outputs_of("nan:0:calm", "0.1:1:happy")),
        answer_of(outputs=outputs_of("-0.5:0:calm", "1.5:1:happy")),
        answer_of(outputs=outputs_of(0.9, 0.1)),
        answer_of(outputs=outputs_of("0.9", "0.1")),
        answer_of(outputs=7),
        answer_of(parameters=7),
        answer_of(parameters={"warning": ["outside-training-distribution"]}),
        answer_of(parameters={"warning": "\x1b[31mred"}),
    ],
)
def test_an_odd_answer_to_a_binary_request_is_not_believed(
    document: Any, offering: HostileServer, connect: Connect
) -> None:
    offering.replies[BINARY.format("F")] = lambda: iter([response(json.dumps(document).encode())])
    assert predict(connect(offering)).emotion == "happy"
    assert len(offering.posted) == 1


@pytest.mark.parametrize(
    "address",
    [
        "../../v2/../x",
        "https://example.org/v2",
        "//example.org/v2",
        "../v2/models/F/infer#x",
        "../v2/%2e%2e/x",
        7,
        None,
    ],
)
def test_an_odd_address_is_another_server(
    address: Any, offering: HostileServer, connect: Connect
) -> None:
    for network in offering.document["networks"]:
        network["inference"] = {"binary": True, "warningDetails": True, "relativeUrl": address}
    with pytest.raises(WrongServerError):
        connect(offering).contract  # noqa: B018


def test_both_requests_of_a_clip_have_one_limit(offering: HostileServer, connect: Connect) -> None:
    def drip() -> Reply:
        yield head()
        while not offering.stopped.wait(0.02):
            yield b" "

    offering.replies[BINARY.format("F")] = drip
    with pytest.raises(NoServerError, match=r"no complete answer in 0\.5 s"):
        predict(connect(offering, limits=Limits(request_seconds=0.5)))
    assert offering.posted == []
