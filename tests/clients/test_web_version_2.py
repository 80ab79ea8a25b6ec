"""The web module and a server of version 2 of the contract: prosody, baselines, recordings."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest

from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings, load_settings
from tests.clients.test_web_client import application
from tests.support import hostile_extractors as extractors
from tests.support.hostile_pages import PREDICTION, HostilePages, network, page, sha256
from tests.support.sounds import noise
from tests.support.tiny_models import write_frame_network
from tests.support.web_driver import WebError, WebModule, run_web_module
from training.arrays import Float32

RATES = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]
REFERENCES = ["reference", "reference-48000", "reference-48000-stereo"]
MEMBERS = ("prosody", "baseline")
RECORDING = "/init/extractor-48000.onnx"
STATISTICS = [f"statistic{number}" for number in range(extractors.STATISTICS)]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebModule]:
    with run_web_module(tmp_path_factory.mktemp("web")) as module:
        yield module


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a network that can use prosody and a baseline, and one that cannot."""
    folder = tmp_path_factory.mktemp("models")
    source = load_settings().models.directory
    for form in ("mfcc.onnx", "extractor-*.onnx", "reference*.wav"):
        for path in source.glob(form):
            shutil.copy(path, folder)
    metadata = {item.key: item.value for item in onnx.load(folder / "mfcc.onnx").metadata_props}
    known: dict[str, Any] = {"recipe": json.loads(metadata["recipe"]), "distance_limit": 1000.0}
    write_frame_network(folder, "Plain", **known)
    write_frame_network(folder, "Voice", members=MEMBERS, baseline_limit=12.0, **known)
    shutil.copy(source / "DNN-prosody.onnx", folder)
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
    network = load_catalog(load_settings().models.directory).find("DNN-prosody")
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


# A server that means harm


@pytest.fixture
def server() -> Iterator[HostilePages]:
    with HostilePages() as server:
        yield server


def recording(extractor: bytes, **changes: Any) -> dict[str, Any]:
    """Handshake members of a server with an extractor at 48 kHz, with changes to its entry."""
    entry = {"sampleRate": 48_000, "url": RECORDING, "sha256": sha256(extractor)}
    return {
        "networks": [network(optionalMembers=[*MEMBERS])],
        "recordings": {
            "input": "audio",
            "outputs": ["frames", "mfccs", "prosody", "prosody_statistics"],
            "extractors": [entry | changes],
        },
        "prosody": {
            "columns": ["logF0", "voicing", "level"],
            "referenceHz": 27.5,
            "levelMinimum": -100,
            "statistics": STATISTICS,
        },
        "references": [
            {
                "name": "reference",
                "url": RECORDING,
                "sha256": sha256(extractor),
                "sampleRate": 48_000,
                "channels": 1,
            }
        ],
    }


def offer(server: HostilePages, extractor: bytes, **changes: Any) -> None:
    server.offer(extractors.innocent(), **recording(extractor) | changes)
    server.pages[RECORDING] = page(extractor, "application/octet-stream")


def predict(web: WebModule, server: HostilePages, **options: Any) -> Any:
    web.call("connect", address=server.url, options=options)
    known = {"network": "Net", "rate": 48_000, "channels": 2}
    return web.call_with(stereo(), "predict", **known)


def refusal(web: WebModule, server: HostilePages, **options: Any) -> WebError:
    """The error of a prediction; no request had features."""
    with pytest.raises(WebError) as caught:
        predict(web, server, **options)
    assert server.posts == []
    return caught.value


def test_a_harmless_extractor_is_run(web: WebModule, server: HostilePages) -> None:
    offer(server, extractors.of_recordings())
    predict(web, server)
    assert server.posts == [PREDICTION]
    body = json.loads(server.requests[-1][2])
    assert body == {"mfccs": [[*range(25)]], "prosody": [[2, 0.75, -30]]}


ROWS = np.zeros((45, 3))
OTHER_OUTPUTS: dict[str, tuple[bytes, str]] = {
    "samples as frames": (extractors.passing_a_recording_on("frames", [-1, 25]), "(3840, 25)"),
    "samples as the mean": (extractors.passing_a_recording_on("mfccs", [-1]), "(96000)"),
    "samples as prosody": (extractors.passing_a_recording_on("prosody", [-1, 3]), "(32000, 3)"),
    "samples as statistics": (
        extractors.passing_a_recording_on("prosody_statistics", [-1]),
        "(96000)",
    ),
    "one frame too many": (
        extractors.of_recordings(frames=np.zeros((45, 25)), prosody=ROWS),
        "expected (1 to 44, 25), (25), (1 to 44, 3) and (12)",
    ),
    "more prosody than frames": (extractors.of_recordings(prosody=ROWS[:2]), "(2, 3)"),
    "a statistic too many": (extractors.of_recordings(prosody_statistics=[0] * 13), "(13)"),
    "a statistic that is not finite": (
        extractors.of_recordings(prosody_statistics=[np.inf] * 12),
        "the coefficient Infinity",
    ),
    "a negative pitch": (extractors.of_recordings(prosody=[[-1, 0, 0]]), "the logF0 -1"),
    "voicing above 1": (extractors.of_recordings(prosody=[[1, 2, 0]]), "the voicing 2"),
    "no level": (extractors.of_recordings(prosody=[[1, 1, np.nan]]), "the level NaN"),
    "a level below the least": (extractors.of_recordings(prosody=[[1, 1, -200]]), "the level -200"),
}


@pytest.mark.parametrize("name", OTHER_OUTPUTS)
def test_what_is_not_features_is_not_sent(web: WebModule, server: HostilePages, name: str) -> None:
    content, reason = OTHER_OUTPUTS[name]
    offer(server, content)
    error = refusal(web, server)
    assert error.name == "ExtractorError"
    assert reason in str(error)
    assert "Nothing was sent." in str(error)


def test_an_extractor_without_prosody_is_refused(web: WebModule, server: HostilePages) -> None:
    offer(server, extractors.innocent())
    assert refusal(web, server).name == "ExtractorError"


def test_only_pinned_extractors_are_run(web: WebModule, server: HostilePages) -> None:
    extractor = extractors.of_recordings()
    offer(server, extractor)
    old = sha256(extractors.innocent())
    error = refusal(web, server, extractorSha256=old)
    assert f"has the SHA-256 {sha256(extractor)}, expected {old}" in str(error)
    assert predict(web, server, extractorSha256=[old, sha256(extractor)])
    server.requests.clear()
    refusal(web, server, extractorSha256=[])


def changed(member: str, **changes: Any) -> dict[str, Any]:
    found = recording(b"")[member]
    return {member: [found[0] | changes] if isinstance(found, list) else found | changes}


def entry(**changes: Any) -> dict[str, Any]:
    return {"recordings": recording(b"", **changes)["recordings"]}


TWICE = recording(b"")["recordings"]["extractors"] * 2
ABSURD: dict[str, dict[str, Any]] = {
    "recordings.input is": changed("recordings", input="sound"),
    "recordings.outputs is": changed("recordings", outputs=["frames", "mfccs"]),
    "recordings.extractors is": changed("recordings", extractors="all"),
    "recordings.extractors has 0": changed("recordings", extractors=[]),
    "recordings.extractors has 66": changed("recordings", extractors=TWICE * 33),
    "two entries with sampleRate 48000": changed("recordings", extractors=TWICE),
    "sampleRate of an extractor in recordings is 7999": entry(sampleRate=7_999),
    "sampleRate of an extractor in recordings is 1e+308": entry(sampleRate=1e308),
    "sampleRate of an extractor in recordings is null": entry(sampleRate=None),
    "hash of the extractor for 48000 Hz": entry(sha256="abc"),
    "address of the extractor for 48000 Hz": entry(url=7),
    "names a file of another server": entry(url="http://127.0.0.1:9/x"),
    "recordings.input is missing": {"recordings": None},
    "prosody.columns is": changed("prosody", columns=["hertz"]),
    "prosody.referenceHz is": changed("prosody", referenceHz=0),
    "prosody.levelMinimum is": changed("prosody", levelMinimum=-1e308),
    "prosody.statistics has 21": changed("prosody", statistics=["x"] * 21),
    "prosody.statistics has the name": changed("prosody", statistics=[7]),
    "references is": {"references": {}},
    "a reference is named": changed("references", name="../x"),
    "channels of reference is 3": changed("references", channels=3),
    "hash of the reference": changed("references", sha256=None),
    "optionalMembers of the network Net": {"networks": [network(optionalMembers="all")]},
}


@pytest.mark.parametrize("reason", ABSURD)
def test_a_handshake_with_an_absurd_value_is_refused(
    web: WebModule, server: HostilePages, reason: str
) -> None:
    offer(server, extractors.of_recordings(), **ABSURD[reason])
    error = refusal(web, server)
    assert error.name == "WrongServerError"
    assert reason in str(error)


def test_frames_that_could_be_the_audio_are_refused(web: WebModule, server: HostilePages) -> None:
    features = {"sampleRate": 48_000, "hopLength": 200, "nMfcc": 25}
    offer(server, extractors.of_recordings(), features=features, **entry(sampleRate=8_000))
    assert "expected a whole number from 26880 to 96000" in str(refusal(web, server))
