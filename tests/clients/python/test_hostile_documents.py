"""Handshakes, predictions and clips of a hostile server, which the client does not believe."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from speech_emotion import Baseline
from speech_emotion.errors import WrongServerError

from tests.clients.python.conftest import CLIP, ESCAPE, HANDSHAKE, Connect, Emotion, predict, verify
from tests.support.hostile.extractors import of_recordings
from tests.support.hostile.server import PREDICTION, HostileServer
from tests.support.models.tiny import recall


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
        {"otherCorpora": recall(1.5, "a")},
        {"otherCorpora": "0.5"},
        {"otherCorpora": recall(0.5, ESCAPE)},
        {"otherCorpora": recall(0.5, corpora=[{}] * 101)},
        {"newSpeakers": recall(0.5, "a", baselineUar=10**4000)},
        {"newSpeakers": recall(0.5, "a", corpora=[{"name": "a", "uar": 0.5, "chance": None}])},
        {"newSpeakers": {"uar": 0.5}},
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


@pytest.fixture
def second() -> Iterator[HostileServer]:
    """A hostile server of version 2."""
    with HostileServer(recordings={22_050: of_recordings(), 48_000: of_recordings()}) as server:
        yield server


def extractor(**members: Any) -> Callable[[Any], Any]:
    return lambda document: document["recordings"]["extractors"][0].update(members)


def member(name: str, **members: Any) -> Callable[[Any], Any]:
    return lambda document: document[name].update(members)


def reference(**members: Any) -> Callable[[Any], Any]:
    return lambda document: document["references"][0].update(members)


@pytest.mark.parametrize(
    "change",
    [
        extractor(sampleRate=7_999),
        extractor(sampleRate=10**15),
        extractor(sampleRate=48_000),  # twice
        extractor(sampleRate="48000"),
        extractor(url="/init/../../admin"),
        extractor(url="http://example.org/"),
        extractor(sha256="../../evil"),
        member("recordings", extractors=[]),
        member("recordings", extractors={"sampleRate": 48_000}),
        member("recordings", input="files"),
        member("recordings", outputs=["frames", "mfccs"]),
        member("recordings", outputs=["mfccs", "frames", "prosody", "prosody_statistics"]),
        member("prosody", columns=["f0", "voicing", "level"]),
        member("prosody", columns=["logF0"] * 1_000),
        member("prosody", unvoiced=-1),
        member("prosody", unvoiced=None),
        member("prosody", statistics=[]),
        member("prosody", statistics=["a", "a"]),
        member("prosody", statistics=[f"s{number}" for number in range(21)]),
        member("prosody", statistics=["\x1b[31mred"]),
        member("features", hopLength=290),  # 25 coefficients alone are allowed, 28 not
        lambda document: document.pop("prosody"),
        lambda document: document.update(recordings=[]),
        lambda document: document.update(prosody=[]),
        lambda document: document.update(references={}),
        reference(url="//example.org"),
        reference(sha256=None),
        reference(name=ESCAPE),
        reference(channels=3),
        reference(channels=True),
        lambda document: document["references"].append(document["references"][0]),
        lambda document: document.update(
            references=[document["references"][0] | {"name": f"r{i}"} for i in range(17)]
        ),
        lambda document: document["networks"][0].update(optionalMembers="prosody"),
        lambda document: document["networks"][0].update(optionalMembers=[ESCAPE]),
        lambda document: document["networks"][0].update(optionalMembers=["a"] * 101),
    ],
)
def test_an_odd_member_of_version_2_is_refused(
    change: Callable[[Any], Any], second: HostileServer, connect: Connect
) -> None:
    change(second.document)
    with pytest.raises(WrongServerError, match="unexpected response for") as caught:
        predict(connect(second))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
    assert second.paths == [HANDSHAKE]


def test_members_that_nobody_knows_are_ignored(second: HostileServer, connect: Connect) -> None:
    """They may come with a later version."""
    second.document["references"][0]["language"] = "none"
    second.document["networks"][1]["optionalMembers"].append("video")
    second.document["video"] = {}
    assert predict(connect(second)).emotion == "happy"
    assert set(second.posted[0]) == {"mfccs", "prosody"}


def test_a_reference_without_an_extractor_for_it_is_left_out(
    second: HostileServer, connect: Connect
) -> None:
    """A server lacks an extractor if its models have none for the rate, or the file is damaged."""
    without = second.document["references"][0] | {"name": "reference-44100", "sampleRate": 44_100}
    second.document["references"].append(without)
    assert predict(connect(second)).emotion == "happy"
    second.prediction = VERDICT | {"prosody": VERDICT}
    assert {found.reference for found in connect(second).verify()} == {"reference"}


def test_features_are_known_again_by_their_meaning(second: HostileServer, connect: Connect) -> None:
    """A profile stays usable if numbers are only spelled in another way."""
    digests = []
    document = second.document
    for features, prosody in [
        ({}, {}),
        ({"sampleRate": 22_050, "trimTopDb": 30.0}, {"unvoiced": 0.0}),
        ({"trimTopDb": 30}, {"statistics": ["another"]}),
        ({"trimTopDb": 31}, {}),
        ({"trimTopDb": 30}, {"voicedFrom": 0.4}),
    ]:
        document["features"] |= features
        document["prosody"] |= prosody
        digests.append(connect(second).contract.recipe.digest)
    assert digests[1] == digests[2]
    assert len({*digests}) == 4


@pytest.mark.parametrize("optional", [[], ["baseline"], ["prosody"]])
def test_a_network_gets_only_what_it_takes(
    optional: list[str], second: HostileServer, connect: Connect
) -> None:
    second.document["networks"][1]["optionalMembers"] = optional
    client = connect(second)
    baseline = Baseline().with_clip(client.features(CLIP, 22_050))
    client.predict(CLIP, "F", 22_050, baseline)
    assert set(second.posted[0]) == {"mfccs", *optional}


def test_thousands_of_networks_are_refused(hostile: HostileServer, connect: Connect) -> None:
    hostile.document["networks"] *= 1_000
    with pytest.raises(WrongServerError, match="is not a list of at most 100 items"):
        predict(connect(hostile))


VERDICT = {"verdict": "agreement", "detail": ""}


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


@pytest.mark.parametrize("prosody", [None, [], {}, {"verdict": "agreement", "detail": 5}])
def test_a_verdict_without_that_of_prosody_is_refused(
    prosody: Any, second: HostileServer, connect: Connect
) -> None:
    second.prediction = {"verdict": "agreement", "detail": ""} | {"prosody": prosody}
    with pytest.raises(WrongServerError, match="unexpected response"):
        connect(second).verify()


def test_a_reference_clip_with_other_channels_is_refused(
    second: HostileServer, connect: Connect
) -> None:
    second.document["references"][0]["channels"] = 2
    with pytest.raises(WrongServerError, match=r"1 channels of 16 bits at 22050 .* expected 2 of"):
        connect(second).verify()


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
