import json
import re
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from tests.server.conftest import make_client
from tests.support.models.tiny import (
    MISTAKES,
    REFERENCE_PROSODY,
    reference_entry,
    write_recording_extractor,
)

STEREO = "reference-48000-stereo"
RIGHT = [float(i) for i in range(25)]


def verify(client: TestClient, mfccs: Any) -> Result:
    return client.simulate_post("/init/verification", body=json.dumps({"mfccs": mfccs}))


@pytest.mark.parametrize("mfccs", [RIGHT, [RIGHT, RIGHT], [value + 0.4 for value in RIGHT]])
def test_correct_features_agree(client: TestClient, mfccs: Any) -> None:
    verdict = verify(client, mfccs).json
    assert verdict["verdict"] == "agreement"
    assert verdict["mistakes"] == []
    assert verdict["right"]["difference"] <= verdict["right"]["tolerance"] == 0.5


def test_a_known_mistake_returns_its_remedy_and_evidence(client: TestClient) -> None:
    verdict = verify(client, [100.2] * 25).json
    assert verdict["verdict"] == "mistake"
    expected = {
        "code": "samples-not-scaled",
        "explanation": "Not scaled.",
        "remedy": "Scale.",
    }
    assert verdict["mistakes"] == [expected]
    assert "Not scaled. Scale." in verdict["detail"]
    assert verdict["nearest"]["difference"] == pytest.approx(0.2, abs=1e-4)
    assert verdict["right"]["difference"] == pytest.approx(100.2)


@pytest.mark.parametrize("mfccs", [[50.0] * 25, [1.0], [[0.0] * 200] * 3, [[1.0], [2.0]], [3e38]])
def test_an_unknown_mistake_is_unrecognised(client: TestClient, mfccs: Any) -> None:
    answer = verify(client, mfccs)
    assert answer.status_code == 200
    assert answer.json["verdict"] == "unrecognised"
    assert answer.json["mistakes"] == []


@pytest.mark.parametrize("mfccs", [[], None, [[]], [RIGHT, RIGHT[1:]], [[1.0], 2.0], "x", [True]])
def test_invalid_mfccs_return_422(client: TestClient, mfccs: Any) -> None:
    answer = verify(client, mfccs)
    assert answer.status_code == 422
    assert answer.json["pointer"].startswith("/mfccs")


@pytest.fixture
def with_recordings(models_with_recordings: Path) -> TestClient:
    return make_client(models_with_recordings)


def post(client: TestClient, **members: Any) -> Result:
    return client.simulate_post("/init/verification", body=json.dumps(members))


def test_a_client_without_the_new_members_gets_the_same_answer(
    client: TestClient, with_recordings: TestClient
) -> None:
    assert verify(client, RIGHT).content == verify(with_recordings, RIGHT).content


def test_each_reference_has_its_own_mistakes(models_with_recordings: Path) -> None:
    mistakes = MISTAKES | {
        "right": MISTAKES["right"] | {"mfccs": [7.0] * 25},
        "single": [item | {"remedy": f"Of {STEREO}."} for item in MISTAKES["single"]],
    }
    entry = reference_entry(STEREO, 48_000, 2, b"RIFF, stereo", mistakes=mistakes)
    write_recording_extractor(models_with_recordings, 48_000, references=[entry])
    client = make_client(models_with_recordings)
    assert post(client, mfccs=[7.0] * 25).json["verdict"] == "unrecognised"
    assert post(client, mfccs=[7.0] * 25, reference=STEREO).json["verdict"] == "agreement"
    found = post(client, mfccs=[100.0] * 25, reference=STEREO).json
    assert found["mistakes"][0]["remedy"] == f"Of {STEREO}."
    assert post(client, mfccs=RIGHT, reference="reference").content == verify(client, RIGHT).content


def test_what_is_unrecognised_is_told_of_the_extractor_for_the_clip(
    with_recordings: TestClient,
) -> None:
    known = post(with_recordings, mfccs=[50.0] * 25).json["detail"]
    assert "The extractor at /init/mfcc.onnx computes" in known
    prosody = [[2.6, 3.0, 10.0]]
    answer = post(with_recordings, mfccs=[50.0] * 25, prosody=prosody, reference=STEREO).json
    assert "The extractor for the clip's sample rate (/init/configuration" in answer["detail"]
    deviations = r"The prosody has a pitch .*, has degrees .* and has levels .*; this is no known"
    assert re.match(deviations, answer["prosody"]["detail"])


def test_prosody_gets_a_verdict_of_its_own(with_recordings: TestClient) -> None:
    answer = post(with_recordings, mfccs=[50.0] * 25, prosody=REFERENCE_PROSODY).json
    assert answer["verdict"] == "unrecognised"
    assert answer["prosody"]["verdict"] == "agreement"
    hertz = [[110.0, 0.9, -20.0], [0.0, 0.1, -40.0]]
    answer = post(with_recordings, mfccs=RIGHT, prosody=hertz, reference=STEREO).json
    assert answer["verdict"] == "agreement"
    prosody = answer["prosody"]
    assert prosody["verdict"] == "mistake"
    (mistake,) = prosody["mistakes"]
    assert mistake == {
        "code": "pitch-in-hertz",
        "explanation": "Log F0 is the pitch in hertz.",
        "remedy": "Send log2(F0 / 27.5 Hz) in voiced frames, and 0 in unvoiced ones.",
    }
    assert mistake["remedy"] in prosody["detail"]
    assert prosody["evidence"]["pitchDifference"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("members", "pointer", "detail"),
    [
        ({"reference": "reference-8000"}, "/reference", "one of: reference, reference-48000, "),
        ({"reference": 48_000}, "/reference", "a string, got a number"),
        ({"reference": None}, "/reference", "a string, got null"),
        ({"prosody": None}, "/prosody", "got null"),
        ({"prosody": {}}, "/prosody", "got an object"),
        ({"prosody": []}, "/prosody", "got an empty list"),
        ({"prosody": [2.0, 0.9, -20.0]}, "/prosody", "got a list of numbers"),
        ({"prosody": [[2.0, 0.9]]}, "/prosody/0", "got 2"),
        ({"prosody": [[2.0, 0.9, 1.0], 3]}, "/prosody/1", "got a number"),
        ({"prosody": [[2.0, "0.9", 1.0]]}, "/prosody/0/1", "got a string"),
        ({"prosody": [[2.0, 1e39, 1.0]]}, "/prosody/0/1", "float32"),
        ({"prosody": [[2.0, 0.9, -20.0]] * 3_001}, "/prosody", "at most 3,000 rows"),
    ],
)
def test_invalid_members_return_422_with_a_pointer(
    with_recordings: TestClient, members: dict[str, Any], pointer: str, detail: str
) -> None:
    answer = post(with_recordings, mfccs=RIGHT, **members)
    assert answer.status_code == 422
    assert answer.json["pointer"] == pointer
    assert detail in answer.json["detail"]


def test_prosody_cannot_be_verified_without_a_reference(client: TestClient) -> None:
    answer = post(client, mfccs=RIGHT, prosody=REFERENCE_PROSODY)
    assert (answer.status_code, answer.json["pointer"]) == (422, "/prosody")
    assert "no prosody of the reference clip 'reference'" in answer.json["detail"]
