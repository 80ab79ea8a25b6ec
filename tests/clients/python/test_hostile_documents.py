"""Handshakes, predictions and clips of a hostile server, which the client does not believe."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import soundfile
from speech_emotion.errors import WrongServerError

from tests.clients.python.conftest import CLIP, ESCAPE, HANDSHAKE, Connect, Emotion, predict, verify
from tests.support.hostile_server import PREDICTION, HostileServer


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("sampleRate", 10**15),
        ("sampleRate", 10**4000),
        ("sampleRate", 7_999),
        ("sampleRate", -22_050),
        ("sampleRate", True),
        ("sampleRate", 22_050.0),
        ("sampleRate", "22050"),
        ("hopLength", 25),  # all samples, 25 in a frame
        ("hopLength", 0),
        ("hopLength", None),
    ],
)
def test_numbers_of_the_recipe_out_of_range_are_refused(
    member: str, value: Any, hostile: HostileServer, connect: Connect
) -> None:
    hostile.document["features"][member] = value
    with pytest.raises(WrongServerError, match=r"is not an integer from|numbers a second"):
        predict(connect(hostile))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/mfcc.onnx",
        "//example.org/mfcc.onnx",
        "file:///etc/passwd",
        "/init/../../admin",
        "/init/..",
        "/init/mfcc.onnx\r\nX-Evil: 1",
        "/init/%2e%2e/admin",
        "@example.org/",
        "",
        5,
    ],
)
@pytest.mark.parametrize("member", ["extractor", "reference"])
def test_an_address_elsewhere_is_refused(
    member: str, url: Any, hostile: HostileServer, connect: Connect
) -> None:
    hostile.document[member]["url"] = url
    with pytest.raises(WrongServerError, match="is not a path on the server"):
        predict(connect(hostile))
    assert hostile.paths == [HANDSHAKE]


@pytest.mark.parametrize(
    "change",
    [
        {"networkType": ESCAPE},
        {"networkType": ".."},
        {"networkType": "n" * 101},
        {"emotions": [ESCAPE, "calm"]},
        {"emotions": ["e" * 101, "calm"]},
        {"emotions": [f"e{i}" for i in range(101)]},
        {"emotions": "calm"},
        {"speakerIndependentUar": 10**4000},
        {"speakerIndependentUar": "0.5"},
        {"speakerIndependentUar": 7},
        {"corpus": {"name": ["a"]}},
        {"input": ["vector"]},
    ],
)
def test_an_odd_network_is_refused(
    change: dict[str, Any], hostile: HostileServer, connect: Connect
) -> None:
    hostile.document["networks"][0] |= change
    with pytest.raises(WrongServerError, match="unexpected response for") as caught:
        predict(connect(hostile))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_thousands_of_networks_are_refused(hostile: HostileServer, connect: Connect) -> None:
    hostile.document["networks"] *= 1_000
    with pytest.raises(WrongServerError, match="is not a list of at most 100 items"):
        predict(connect(hostile))


def results(*values: Any, **members: Any) -> dict[str, Any]:
    pairs = zip(("calm", "happy"), values, strict=True)
    return {"results": [{"emotionType": e, "prediction": v} for e, v in pairs]} | members


WARNING = {"code": "c", "detail": "d", "distance": 2.0, "limit": 1.0}


@pytest.mark.parametrize(
    "answer",
    [
        {"results": []},
        {"results": PREDICTION["results"][:1]},
        {"results": PREDICTION["results"] * 2},
        {"results": [{"emotionType": "evil", "prediction": 0.5}] * 2},
        {"results": [{"emotionType": [], "prediction": 0.5}] * 2},
        results(float("nan"), 0.5),
        results(float("inf"), 0.5),
        results(10**400, 0.5),
        results(-1, 2),
        results(0.5, 0.6),
        results("0.5", 0.5),
        results(0.5, 0.5, warning="w"),
        results(0.5, 0.5, warning=WARNING | {"distance": 10**400}),
        results(0.5, 0.5, warning=WARNING | {"detail": ["d"]}),
        [],
    ],
)
def test_an_impossible_prediction_is_refused(
    answer: Any, hostile: HostileServer, connect: Connect
) -> None:
    hostile.prediction = answer
    with pytest.raises(WrongServerError, match="is not a speech emotion server"):
        predict(connect(hostile))


def test_escape_sequences_of_results_do_not_reach_the_terminal(
    hostile: HostileServer, emotion: Emotion, tmp_path: Path
) -> None:
    file = tmp_path / "sound.wav"
    soundfile.write(file, CLIP, 22_050)
    hostile.prediction = results(0.5, 0.5, warning=WARNING | {"detail": ESCAPE})
    network = hostile.document["networks"][0]
    network["corpus"], network["intendedUse"] = {"name": ESCAPE}, {"not_for": [ESCAPE]}
    predicted = emotion("predict", file, "--server", hostile.url)
    listed = emotion("networks", "--server", hostile.url)
    hostile.prediction = {"verdict": ESCAPE, "detail": ESCAPE}
    verified = emotion("verify", "--server", hostile.url)
    assert [done.returncode for done in (predicted, listed, verified)] == [0, 0, 11]
    for done in (predicted, listed, verified):
        assert "[31mred" in done.stdout
        assert done.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "clip", [b"fLaC" + bytes(100), b"RIFF", b"", b"RIFF\xff\xff\xff\xffWAVEfmt "]
)
def test_a_reference_clip_of_another_kind_is_refused(
    clip: bytes, hostile: HostileServer, connect: Connect
) -> None:
    hostile.files["/init/reference.wav"] = clip
    hostile.document["reference"]["sha256"] = hashlib.sha256(clip).hexdigest()
    with pytest.raises(WrongServerError, match="reference clip is not a WAV file"):
        verify(hostile, connect)
