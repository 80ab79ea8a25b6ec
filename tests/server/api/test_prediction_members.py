"""`prosody` and `baseline` beside the MFCCs of a prediction."""

import json
from typing import Any

import pytest
from falcon.testing import TestClient

from tests.server.api.conftest import MEMBERS
from tests.server.api.test_prediction import VECTOR, assert_problem, post, softmax
from tests.support.metrics import samples, value
from tests.support.models.tiny import PROSODY

FRAMES = [VECTOR] * 4
ROWS = [[2.0, 0.5, -3.0]] * 4
STATISTICS = [1.0, 0.5, 3.0]
NAMES = [f"{kind}-{members}" for kind in ("vector", "frames") for members in MEMBERS]


def moments(width: int, mean: float, spread: float = 1.0) -> dict[str, list[float]]:
    return {"mean": [mean] * width, "spread": [spread] * width}


def baseline(mean: float = 0.0, **changes: Any) -> dict[str, Any]:
    """A baseline of seven clips; the value None removes a member."""
    prosody = {"mean": ROWS[0], "spread": [1.0] * 3}
    members = {"clips": 7, "mfccs": moments(25, mean), "prosody": prosody} | changes
    return {key: value for key, value in members.items() if value is not None}


def utterance(network: str) -> dict[str, Any]:
    """MFCCs and prosody in the form that a network takes."""
    vectors = network.startswith("vector")
    return {
        "mfccs": VECTOR if vectors else FRAMES,
        "prosody": STATISTICS if vectors else ROWS,
    }


def probabilities(all_kinds: TestClient, body: dict[str, Any], network: str) -> list[float]:
    answer = post(all_kinds, body, network)
    assert answer.status_code == 200, answer.text
    return [result["prediction"] for result in answer.json["results"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_network_uses_the_members_that_it_takes(all_kinds: TestClient, name: str) -> None:
    given = utterance(name)
    alone = probabilities(all_kinds, {"mfccs": given["mfccs"]}, name)
    assert alone == pytest.approx(softmax([1, 2, 3]))
    added = STATISTICS if name.startswith("vector") else ROWS[0]
    if not name.endswith(("prosody", "both")):
        added = [0.0] * 3
    expected = softmax([value + more for value, more in zip(VECTOR, added, strict=False)])
    body = given | {"baseline": baseline()}
    assert probabilities(all_kinds, body, name) == pytest.approx(expected)
    assert probabilities(all_kinds, {"mfccs": given["mfccs"]}, name) == alone


@pytest.mark.parametrize("name", NAMES)
def test_a_baseline_of_another_voice_returns_a_warning(all_kinds: TestClient, name: str) -> None:
    mfccs = utterance(name)["mfccs"]
    near = post(all_kinds, {"mfccs": mfccs, "baseline": baseline(0.5)}, name).json
    assert "warning" not in near
    far = post(all_kinds, {"mfccs": mfccs, "baseline": baseline(6.0)}, name).json
    assert far["results"] == near["results"]
    if not name.endswith(("baseline", "both")):
        assert "warning" not in far
        return
    warning = far["warning"]
    assert warning["code"] == "baseline-of-another-voice"
    assert (warning["distance"], warning["limit"]) == (6.0, 5.0)
    assert "microphone" in warning["detail"]
    assert "warning" not in post(all_kinds, {"mfccs": mfccs}, name).json


def test_warnings_of_baselines_are_counted(all_kinds: TestClient) -> None:
    labels = {"network": "vector-baseline", "code": "baseline-of-another-voice"}

    def count() -> float:
        return value(samples(all_kinds.simulate_get("/metrics").text), "warnings_total", **labels)

    before = count()
    post(all_kinds, {"mfccs": VECTOR, "baseline": baseline(6.0)}, "vector-baseline")
    post(all_kinds, {"mfccs": VECTOR, "baseline": baseline(0.5)}, "vector-baseline")
    assert count() == before + 1


def test_the_warning_of_foreign_mfccs_comes_before_that_of_the_baseline(
    all_kinds: TestClient,
) -> None:
    body = {"mfccs": [*[0.0] * 24, -6.0], "baseline": baseline(6.0)}
    warning = post(all_kinds, body, "vector-both").json["warning"]
    assert warning["code"] == "outside-training-distribution"


def test_a_baseline_may_lack_prosody(all_kinds: TestClient) -> None:
    body = {"mfccs": VECTOR, "baseline": baseline(6.0, prosody=None)}
    warning = post(all_kinds, body, "vector-both").json["warning"]
    assert warning["code"] == "baseline-of-another-voice"


def test_a_vector_network_pools_prosody_of_frames(all_kinds: TestClient) -> None:
    """The tiny models have the median of log F0, the voiced share and the level's deviation."""
    rows = [[2.0, 0.9, -10.0], [0.0, 0.1, -14.0], [4.0, 0.9, -10.0], [0.0, 0.2, -14.0]]
    assert PROSODY["statistics"] == ["f0Percentile50", "voicedShare", "levelDeviation"]
    pooled = probabilities(all_kinds, {"mfccs": FRAMES, "prosody": rows}, "vector-both")
    given = {"mfccs": VECTOR, "prosody": [3.0, 0.5, 2.0]}
    assert pooled == pytest.approx(probabilities(all_kinds, given, "vector-both"))


def test_many_frames_run_on_another_thread_with_the_same_answer(all_kinds: TestClient) -> None:
    body = {"mfccs": [VECTOR] * 500, "prosody": [ROWS[0]] * 500, "baseline": baseline(6.0)}
    few = utterance("frames") | {"baseline": baseline(6.0)}
    expected = post(all_kinds, few, "frames-both").json
    found = post(all_kinds, body, "frames-both").json
    assert found["warning"] == expected["warning"]
    assert found == json.loads(json.dumps(expected))


@pytest.mark.parametrize("size", [3.4028234e38, -3.4028234e38, 1e-320])
@pytest.mark.parametrize("name", NAMES)
def test_extreme_members_return_probabilities(
    all_kinds: TestClient, name: str, size: float
) -> None:
    prosody = {"mean": ROWS[0], "spread": [abs(size)] * 3}
    body = utterance(name) | {
        "baseline": baseline(mfccs=moments(25, size, abs(size)), prosody=prosody)
    }
    if name.startswith("vector"):
        body["prosody"] = [1.0, 0.5, size]  # the last one has no range
    assert sum(probabilities(all_kinds, body, name)) == pytest.approx(1)


GONE = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """A body of frames with both members, with another value at a JSON pointer, or without it."""
    body: dict[str, Any] = json.loads(json.dumps(utterance("frames") | {"baseline": baseline()}))
    *parents, last = path.split("/")[1:]
    found: Any = body
    for part in parents:
        found = found[int(part)] if isinstance(found, list) else found[part]
    key: Any = int(last) if isinstance(found, list) else last
    if value is GONE:
        del found[key]
    else:
        found[key] = value
    return body


CHANGES: list[tuple[str, Any, str, str]] = [
    ("/prosody/2", GONE, "/prosody", "as many as"),
    ("/prosody/2/1", GONE, "/prosody/2", "got 2"),
    ("/prosody/3", [1.0] * 4, "/prosody/3", "got 4"),
    ("/prosody/3/1", 1e39, "/prosody/3/1", "float32"),
    ("/prosody/3/1", None, "/prosody/3/1", "got null"),
    ("/prosody/1", 1.0, "/prosody/1", "got a number"),
    ("/prosody", [1.0] * 4, "/prosody", "got a list of numbers"),
    ("/prosody", [], "/prosody", "got an empty list"),
    ("/prosody", None, "/prosody", "got null"),
    ("/prosody", {}, "/prosody", "got an object"),
    ("/prosody/1/0", 220.0, "/prosody/1/0", "above 27.5 Hz, 0 if unvoiced, from 0 to 5; got 220"),
    ("/prosody/1/0", -1.0, "/prosody/1/0", "from 0 to 5; got -1"),
    ("/prosody/3/1", 1.5, "/prosody/3/1", "the degree of voicing from 0 to 1; got 1.5"),
    ("/prosody/0/2", 3e4, "/prosody/0/2", "from -120 to 60; got 30000"),
    ("/baseline/prosody/mean/0", 180, "/baseline/prosody/mean/0", "from 0 to 5; got 180"),
    ("/baseline", [], "/baseline", "got a list"),
    ("/baseline", None, "/baseline", "got null"),
    ("/baseline/mfccs", GONE, "/baseline/mfccs", "missing"),
    ("/baseline/clips", GONE, "/baseline/clips", "missing"),
    ("/baseline/mfccs/spread", GONE, "/baseline/mfccs/spread", "missing"),
    ("/baseline/prosody/mean", GONE, "/baseline/prosody/mean", "missing"),
    ("/baseline/mfccs", 1, "/baseline/mfccs", "got a number"),
    ("/baseline/prosody", None, "/baseline/prosody", "got null"),
    ("/baseline/mfccs/mean", "a", "/baseline/mfccs/mean", "got a string"),
    ("/baseline/mfccs/mean/0", GONE, "/baseline/mfccs/mean", "25 numbers, got 24"),
    ("/baseline/prosody/mean/0", GONE, "/baseline/prosody/mean", "3 numbers, got 2"),
    ("/baseline/mfccs/spread/3", -1, "/baseline/mfccs/spread/3", "got -1"),
    ("/baseline/prosody/spread/2", -0.5, "/baseline/prosody/spread/2", "at least 0"),
    ("/baseline/mfccs/mean/9", -1e39, "/baseline/mfccs/mean/9", "float32"),
    ("/baseline/mfccs/mean/9", True, "/baseline/mfccs/mean/9", "got a boolean"),
    ("/baseline/clips", 0, "/baseline/clips", "from 1 to 1,000,000; got 0"),
    ("/baseline/clips", 1_000_001, "/baseline/clips", "got 1000001"),
    ("/baseline/clips", 1.5, "/baseline/clips", "got 1.5"),
    ("/baseline/clips", "7", "/baseline/clips", "got a string"),
    ("/baseline/clips", True, "/baseline/clips", "got a boolean"),
]


@pytest.mark.parametrize(("path", "value", "pointer", "detail"), CHANGES)
def test_the_error_points_to_the_invalid_member(
    all_kinds: TestClient, path: str, value: Any, pointer: str, detail: str
) -> None:
    for name in ("frames-both", "vector-both", "vector-plain"):
        document = assert_problem(
            post(all_kinds, changed(path, value), name), 422, "invalid-features"
        )
        assert document["pointer"] == pointer
        assert detail in document["detail"]


@pytest.mark.parametrize(
    ("prosody", "pointer", "detail"),
    [
        ([1.0, 2.0, 3.0], "/prosody/1", "the share of voiced frames from 0 to 1; got 2"),
        ([220.0, 0.5, 3.0], "/prosody/0", "from 0 to 5; got 220"),
        ([1.0, 2.0], "/prosody", "Expected 3 prosody statistics, got 2"),
        ([1.0, 2.0, "a"], "/prosody/2", "got a string"),
        ([[1.0, 2.0, 3.0]], "/prosody", "got a list of lists"),
        ([], "/prosody", "got 0"),
    ],
)
def test_prosody_beside_a_vector_has_the_statistics(
    all_kinds: TestClient, prosody: Any, pointer: str, detail: str
) -> None:
    answer = post(all_kinds, {"mfccs": VECTOR, "prosody": prosody}, "vector-both")
    document = assert_problem(answer, 422, "invalid-features")
    assert document["pointer"] == pointer
    assert detail in document["detail"]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "9" * 5_000])
@pytest.mark.parametrize("pointer", ["/prosody/1/2", "/baseline/mfccs/spread/1", "/baseline/clips"])
def test_numbers_beyond_float64_are_refused(
    all_kinds: TestClient, pointer: str, number: str
) -> None:
    text = json.dumps(changed(pointer, "NUMBER")).replace('"NUMBER"', number)
    document = assert_problem(
        post(all_kinds, text.encode(), "frames-both"), 422, "invalid-features"
    )
    assert document["pointer"] == pointer


def test_members_without_mfccs_are_refused(all_kinds: TestClient) -> None:
    document = assert_problem(
        post(all_kinds, {"prosody": ROWS, "baseline": baseline()}, "frames-both"),
        422,
        "invalid-features",
    )
    assert document["pointer"] == ""
    assert '"mfccs" is missing' in document["detail"]


def test_whole_numbers_may_be_written_as_fractions(all_kinds: TestClient) -> None:
    body = {"mfccs": VECTOR, "baseline": baseline(clips=7.0)}
    assert post(all_kinds, body, "vector-both").status_code == 200


def test_only_the_last_of_repeated_members_counts(all_kinds: TestClient) -> None:
    good, bad = json.dumps(utterance("vector"))[1:-1], '"prosody": [], "baseline": 1'
    last = f'{{{bad}, {good}, "baseline": {json.dumps(baseline())}}}'
    assert post(all_kinds, last.encode(), "vector-both").status_code == 200
    assert post(all_kinds, f"{{{good}, {bad}}}".encode(), "vector-both").status_code == 422


def test_a_huge_baseline_is_refused(all_kinds: TestClient) -> None:
    body = {"mfccs": VECTOR, "baseline": baseline(note=" " * 65_536)}
    document = assert_problem(post(all_kinds, body, "vector-both"), 422, "invalid-features")
    assert document["pointer"] == "/baseline"
    assert "65,536 bytes" in document["detail"]


def test_the_longest_utterance_may_have_both_members(all_kinds: TestClient) -> None:
    rows = [[-123.456] * 25] * 600
    body = {"baseline": baseline(), "prosody": [ROWS[0]] * 600, "mfccs": rows}
    assert post(all_kinds, body, "frames-both").status_code == 200
    too_long = body | {"prosody": [ROWS[0]] * 601, "mfccs": [*rows, rows[0]]}
    document = assert_problem(post(all_kinds, too_long, "frames-both"), 422, "invalid-features")
    assert document["pointer"] == "/mfccs"


def test_models_without_prosody_accept_any_few_statistics(client: TestClient) -> None:
    """No network of theirs uses prosody, and the number of its statistics is not known."""
    for count, status in ((1, 200), (20, 200), (0, 422), (21, 422)):
        answer = post(client, {"mfccs": VECTOR, "prosody": [0.5] * count})
        assert answer.status_code == status
    assert "1 to 20" in answer.json["detail"]
