"""The web module and extractors for recordings of a server that means harm."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.support.hostile import extractors
from tests.support.hostile.pages import PREDICTION, HostilePages, network, page, sha256
from tests.support.sounds import noise
from tests.support.web.driver import WebError, WebModule

MEMBERS = ["prosody", "baseline"]
RECORDING = "/init/extractor-48000.onnx"
STATISTICS = [f"statistic{number}" for number in range(extractors.STATISTICS)]
STEREO = np.stack([noise(1, 48_000), 0.5 * noise(1, 48_000)], axis=1).astype(np.float32)


@pytest.fixture
def server() -> Iterator[HostilePages]:
    with HostilePages() as server:
        yield server


def recording(extractor: bytes, **changes: Any) -> dict[str, Any]:
    """Handshake members of a server with an extractor at 48 kHz, with changes to its entry."""
    entry = {"sampleRate": 48_000, "url": RECORDING, "sha256": sha256(extractor)}
    return {
        "networks": [network(optionalMembers=MEMBERS)],
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
    return web.call_with(STEREO, "predict", **known)


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


@pytest.mark.parametrize("in_thread", [False, True])
def test_the_limit_of_frames_is_that_of_the_rate(
    web: WebModule, server: HostilePages, in_thread: bool
) -> None:
    """One file for two rates: at the lower one it may make six times as many frames."""
    extractor = extractors.of_recordings(frames=np.zeros((200, 25)), prosody=np.zeros((200, 3)))
    members = recording(extractor)
    lower = members["recordings"]["extractors"][0] | {"sampleRate": 8_000}
    members["recordings"]["extractors"].append(lower)
    offer(server, extractor, **members)
    web.call("connect", address=server.url, inThread=in_thread)
    web.call_with(STEREO, "extract", rate=8_000, channels=2)
    with pytest.raises(WebError, match=r"ExtractorError: .* it makes \(200, 25\)"):
        web.call_with(STEREO, "predict", network="Net", rate=48_000, channels=2)
    assert server.posts == []


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
    features = {"sampleRate": 48_000, "hopLength": 670, "nMfcc": 25}
    offer(server, extractors.of_recordings(), features=features)
    assert "features ask for 2006 numbers a second of audio" in str(refusal(web, server))
    features["hopLength"] = 672
    offer(server, extractors.of_recordings(), features=features)
    assert predict(web, server)
