"""The web module and a server of version 2 of the contract: prosody, baselines, recordings."""

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.clients.test_web_client import application
from tests.support.models.shipped import MODELS, copy_features, shipped_recipe
from tests.support.models.tiny import write_frame_network
from tests.support.sounds import noise
from tests.support.web.driver import WebError, WebModule
from training.arrays import Float32

RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]
REFERENCES = ["reference", "reference-48000", "reference-48000-stereo"]
MEMBERS = ("prosody", "baseline")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a network that can use prosody and a baseline, and one that cannot."""
    folder = tmp_path_factory.mktemp("models")
    copy_features(folder)
    known: dict[str, Any] = {"recipe": shipped_recipe(), "distance_limit": 1000.0}
    write_frame_network(folder, "Plain", **known)
    write_frame_network(folder, "Voice", members=MEMBERS, baseline_limit=12.0, **known)
    shutil.copy(MODELS / "DNN-prosody.onnx", folder)
    app = create_app(Settings(ServerSettings(), ModelSettings(folder)), load_catalog(folder))
    with application(app) as url:
        yield url


@pytest.fixture
def connected(web: WebModule, address: str) -> WebModule:
    web.call("connect", address=address)
    return web


def stereo(seconds: float = 1, rate: int = 48_000) -> Float32:
    samples = noise(seconds, rate)
    return np.stack([samples, 0.5 * samples], axis=1).astype(np.float32)


def test_the_handshake_names_the_optional_members(web: WebModule, address: str) -> None:
    networks = web.call("connect", address=address)["networks"]
    found = {each["networkType"]: each["optionalMembers"] for each in networks}
    assert found["Plain"] == []
    assert set(found["Voice"]) == set(MEMBERS)


def test_the_sample_rates_are_those_of_the_extractors(connected: WebModule) -> None:
    assert connected.call("sampleRates") == RATES


def test_another_rate_is_refused_with_those_that_are_not(connected: WebModule) -> None:
    with pytest.raises(WebError, match=r"AudioError: .* for 12000 Hz; expected one of 8000, 11025"):
        connected.outputs(noise(1), 12_000)


def test_without_a_rate_the_clip_has_that_of_the_features(connected: WebModule) -> None:
    frames, mfccs, prosody, statistics = connected.outputs(noise(1))
    assert frames.shape == (44, 25)
    assert mfccs.shape == (25,)
    assert prosody.shape == (44, 3)
    assert statistics.shape == (16,)


def test_a_thread_runs_several_extractors(web: WebModule, address: str) -> None:
    web.call("connect", address=address)
    expected = [web.outputs(stereo()), web.outputs(noise(1))]
    web.call("connect", address=address, inThread=True)
    for outputs, audio in zip(expected, (stereo(), noise(1)), strict=True):
        for found, wanted in zip(web.outputs(audio), outputs, strict=True):
            assert np.array_equal(found, wanted)


def test_verifies_itself_with_every_reference(connected: WebModule) -> None:
    found = connected.call("verify")
    assert [item["reference"] for item in found] == [REFERENCES[0], *REFERENCES]
    assert [item["form"] for item in found] == ["vector", "frames", "frames", "frames"]
    assert {item["verdict"] for item in found} == {"agreement"}
    assert {item["prosody"]["verdict"] for item in found[1:]} == {"agreement"}


def probabilities(answer: Any) -> list[float]:
    return [item["prediction"] for item in answer["results"]]


def test_prosody_and_baseline_reach_the_network(connected: WebModule) -> None:
    known = {"network": "DNN-prosody", "rate": 48_000, "channels": 2}
    brown = np.cumsum(noise(2, 48_000)) * np.float32(1e-3)
    baseline = connected.call_with(brown, "withClip", rate=48_000)
    found = connected.call_with(stereo(), "predict", **known)
    compared = connected.call_with(stereo(), "predict", baseline=baseline, **known)
    assert probabilities(compared) != pytest.approx(probabilities(found), abs=1e-3)
    network = load_catalog(MODELS).find("DNN-prosody")
    assert network
    _, mfccs, _, statistics = connected.outputs(stereo(), 48_000)
    expected = network.predict(mfccs, statistics).probabilities
    assert probabilities(found) == pytest.approx(expected, abs=2e-3)


def test_the_baseline_of_another_voice_is_told(connected: WebModule) -> None:
    own = connected.call_with(noise(1), "withClip")
    clip = noise(1).cumsum(dtype=np.float32)
    clip /= np.abs(clip).max()  # brown noise
    predict = {"network": "Voice", "baseline": own}
    assert "warning" not in connected.call_with(noise(1), "predict", **predict)
    warning = connected.call_with(clip, "predict", **predict)["warning"]
    assert warning["code"] == "baseline-of-another-voice"
    assert warning["distance"] > warning["limit"]


# The baseline


def baseline_of(clips: list[list[Float32]]) -> dict[str, Any]:
    """The same in NumPy, from the frames and the prosody of each clip."""

    def statistics(rows: list[Float32]) -> dict[str, Any]:
        mean = np.mean([each.mean(axis=0, dtype=np.float64) for each in rows], axis=0)
        square = np.mean([(each.astype(np.float64) ** 2).mean(axis=0) for each in rows], axis=0)
        return {"mean": mean, "spread": np.sqrt(np.maximum(0, square - mean**2))}

    pitch = statistics([prosody[prosody[:, 0] > 0, :1] for _, prosody in clips])
    others = statistics([prosody[:, 1:] for _, prosody in clips])
    spoken = {name: np.concatenate([pitch[name], others[name]]) for name in pitch}
    return {"mfccs": statistics([frames for frames, _ in clips]), "prosody": spoken}


def pulses(hertz: int, seconds: float = 0.6, rate: int = 16_000) -> Float32:
    period = np.arange(int(seconds * rate)) % (rate // hertz)
    return ((period < 4) * 0.5).astype(np.float32)


def test_each_clip_weighs_the_same(connected: WebModule) -> None:
    baseline: dict[str, Any] | None = None
    clips = []
    for audio in (pulses(100), pulses(180, 1.2), pulses(240, 0.4)):
        frames, _, prosody, _ = connected.outputs(audio, 16_000)
        clips.append([frames, prosody])
        baseline = connected.call_with(audio, "withClip", rate=16_000, baseline=baseline)
    assert baseline
    assert baseline["clips"] == 3
    for member, statistics in baseline_of(clips).items():
        for name, expected in statistics.items():
            # Differences of large squares: a spread near 0 has fewer digits.
            assert baseline[member][name] == pytest.approx(expected, abs=1e-4)


def test_an_unvoiced_clip_leaves_the_pitch_as_it_is(connected: WebModule) -> None:
    silence = np.full(16_000, 1e-3, np.float32)
    first = connected.call_with(silence, "withClip", rate=16_000)
    assert [first["prosody"][name][0] for name in ("mean", "spread")] == [0, 0]
    voiced = connected.call_with(pulses(200), "withClip", rate=16_000)
    second = connected.call_with(pulses(200), "withClip", rate=16_000, baseline=first)
    third = connected.call_with(silence, "withClip", rate=16_000, baseline=second)
    for name in ("mean", "spread"):
        expected = pytest.approx(voiced["prosody"][name][0], abs=1e-9)
        assert second["prosody"][name][0] == expected
        assert third["prosody"][name][0] == expected
    assert third["clips"] == 3


NUMBERS = {"mean": [0.0] * 25, "spread": [1.0] * 25}
NO_BASELINES: dict[str, tuple[Any, str]] = {
    "nothing": (None, "clips are missing"),
    "no clips": ({"clips": 0, "mfccs": NUMBERS}, "clips are 0"),
    "half a clip": ({"clips": 1.5, "mfccs": NUMBERS}, "clips are 1.5"),
    "too many clips": ({"clips": 1_000_001, "mfccs": NUMBERS}, "clips are 1000001"),
    "no MFCCs": ({"clips": 1}, "mfccs.mean is missing; expected 25 numbers"),
    "24 numbers": ({"clips": 1, "mfccs": NUMBERS | {"mean": [0] * 24}}, "mfccs.mean is"),
    "a text": ({"clips": 1, "mfccs": NUMBERS | {"mean": ["0"] * 25}}, "mfccs.mean is"),
    "a negative spread": (
        {"clips": 1, "mfccs": NUMBERS | {"spread": [-1] * 25}},
        "mfccs.spread is .* from 0 to",
    ),
    "25 of prosody": ({"clips": 1, "mfccs": NUMBERS, "prosody": NUMBERS}, "prosody.mean .* 3 numb"),
}


@pytest.mark.parametrize("name", NO_BASELINES)
def test_what_is_not_a_baseline_is_refused(web: WebModule, name: str) -> None:
    value, reason = NO_BASELINES[name]
    with pytest.raises(WebError, match=f"BaselineError: .*{reason}"):
        web.call("readBaseline", baseline=value)
