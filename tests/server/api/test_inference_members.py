"""`prosody` and `baseline` as tensors of the Open Inference Protocol."""

from typing import Any

import numpy as np
import pytest
from falcon.testing import TestClient

from server.models.batch_predictors import ROWS_PER_CALL
from server.models.predictors import Array
from tests.server.api.conftest import MEMBERS
from tests.server.api.inference_requests import (
    VECTOR,
    binary,
    error_of,
    infer,
    infer_binary,
    outputs,
    tensor,
)
from tests.server.api.test_prediction import softmax

NAMES = [f"{kind}-{members}" for kind in ("vector", "frames") for members in MEMBERS]
PROSODY = {"vector": (3,), "frames": (4, 3)}  # the shape of one utterance
CLIPS = 56  # the column of a baseline


def baselines(rows: int, mean: float) -> Array:
    found = np.full((rows, CLIPS + 1), mean, np.float32)
    found[:, 25:28] = [2.0, 0.5, -20.0]
    found[:, 28:CLIPS] = 1.0
    found[:, CLIPS] = 7.0
    return found


def negative_spreads() -> Array:
    found = baselines(2, 0.0)
    found[:, 28:CLIPS] = -1.0
    return found


def counted(clips: float) -> Array:
    """Two baselines, the second one of so many clips."""
    found = baselines(2, 0.0)
    found[1, CLIPS] = clips
    return found


def inputs(name: str, rows: int) -> dict[str, Array]:
    """Everything that a network takes, the same for each utterance."""
    kind, _, members = name.partition("-")
    vectors = np.tile(np.array(VECTOR, np.float32), (rows, 1))
    mfccs = {"mfccs": vectors} if kind == "vector" else {"frames": vectors[:, None].repeat(4, 1)}
    given = {
        "prosody": np.zeros((rows, *PROSODY[kind]), np.float32) + np.array([2, 0, -2], np.float32),
        "baseline": baselines(rows, 6.0),
    }
    return mfccs | {member: given[member] for member in MEMBERS[members]}


def request(arrays: dict[str, Array], **members: Any) -> dict[str, Any]:
    return {"inputs": [tensor(name, array) for name, array in arrays.items()], **members}


@pytest.mark.parametrize("name", NAMES)
def test_metadata_and_configuration_name_the_optional_inputs(
    all_kinds: TestClient, name: str
) -> None:
    kind, _, members = name.partition("-")
    sizes = {"prosody": [-1, 3] if kind == "vector" else [-1, -1, 3], "baseline": [-1, CLIPS + 1]}
    metadata = all_kinds.simulate_get(f"/v2/models/{name}").json
    optional = {
        given["name"]: given["shape"] for given in metadata["inputs"] if "parameters" in given
    }
    assert optional == {member: sizes[member] for member in MEMBERS[members]}
    distance = [o for o in metadata["outputs"] if o["name"] == "baseline_distance"]
    assert [output["parameters"] for output in distance] == (
        [{"limit": 5.0}] if "baseline" in MEMBERS[members] else []
    )
    configuration = all_kinds.simulate_get(f"/v2/models/{name}/config").json
    found = [given["name"] for given in configuration["input"] if given.get("optional")]
    assert found == list(MEMBERS[members])


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_zeros_are_rows_without_the_member(all_kinds: TestClient, name: str) -> None:
    arrays = inputs(name, 3)
    for member in MEMBERS[name.partition("-")[2]]:
        arrays[member][1] = 0.0
    answer = infer(all_kinds, request(arrays), name)
    assert answer.status_code == 200, answer.text
    found = outputs(answer.json)
    with_prosody = softmax([3, 2, 1] if "prosody" in arrays else [1, 2, 3])
    without = softmax([1, 2, 3])
    np.testing.assert_allclose(
        found["probabilities"], [with_prosody, without, with_prosody], rtol=1e-5
    )
    if "baseline" not in arrays:
        assert set(found) == {"probabilities", "distance"}
        return
    assert found["baseline_distance"].tolist() == [6.0, 0.0, 6.0]
    parameters = answer.json["parameters"]
    assert parameters["warning"] == "baseline-of-another-voice"
    assert (parameters["rows_of_another_voice"], parameters["baseline_limit"]) == (2, 5.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_request_without_the_members_has_the_scores_of_zeros(
    all_kinds: TestClient, name: str
) -> None:
    arrays = inputs(name, 2)
    required = dict([next(iter(arrays.items()))])
    zeros = {member: np.zeros_like(array) for member, array in arrays.items()} | required
    assert (
        infer(all_kinds, request(required), name).json
        == infer(all_kinds, request(zeros), name).json
    )


@pytest.mark.parametrize("name", ["vector-both", "frames-both"])
def test_binary_rows_in_several_runs_have_the_scores_of_json(
    all_kinds: TestClient, name: str
) -> None:
    rows = ROWS_PER_CALL + 3
    arrays = inputs(name, rows)
    arrays["baseline"] = baselines(rows, 0.0)
    arrays["baseline"][:, 0] = np.linspace(0.0, 9.0, rows)
    document = {"inputs": [binary(key, array) for key, array in arrays.items()]}
    parts = [array.tobytes() for array in arrays.values()]
    found = outputs(infer_binary(all_kinds, document, *parts, model=name).json)
    expected = np.maximum(3.0, np.abs(1.0 - np.linspace(0.0, 9.0, rows)))
    np.testing.assert_allclose(found["baseline_distance"], expected, rtol=1e-5)
    few = {key: array[-2:] for key, array in arrays.items()}
    last = outputs(infer(all_kinds, request(few), name).json)
    for output, values in last.items():
        np.testing.assert_allclose(found[output][-2:], values, rtol=1e-5)


def test_utterances_of_other_lengths_keep_their_prosody(all_kinds: TestClient) -> None:
    """The tiny network takes the mean of all frames that it gets, and gets no padding alone."""
    arrays = inputs("frames-both", 2)
    arrays["prosody"][0, 2:] = [4.0, 1.0, 50.0]  # after the end of the first utterance
    lengths = tensor("lengths", np.array([2, 4]), "INT64")
    document = request(arrays)
    document["inputs"].append(lengths)
    found = outputs(infer(all_kinds, document, "frames-both").json)
    np.testing.assert_allclose(found["probabilities"], [softmax([3, 2, 1])] * 2, rtol=1e-5)


def test_baseline_distance_can_be_requested_alone(all_kinds: TestClient) -> None:
    document = request(inputs("vector-both", 1), outputs=[{"name": "baseline_distance"}])
    answer = infer(all_kinds, document, "vector-both").json
    assert [output["name"] for output in answer["outputs"]] == ["baseline_distance"]


def test_foreign_rows_and_rows_of_another_voice_are_both_counted(all_kinds: TestClient) -> None:
    arrays = inputs("vector-both", 3)
    arrays["mfccs"][0] = -6.0
    parameters = infer(all_kinds, request(arrays), "vector-both").json["parameters"]
    assert parameters == {
        "warning": "outside-training-distribution",
        "rows_outside": 1,
        "distance_limit": 5.0,
        "rows_of_another_voice": 3,
        "baseline_limit": 5.0,
    }


@pytest.mark.parametrize(
    ("member", "array", "error"),
    [
        ("prosody", np.full((2, 4, 3), 9.0), "prosody[0][0][0] is 9.0; expected log F0 in octaves"),
        ("baseline", np.full((2, 57), 9.0), "baseline[0][25] is 9.0; expected log F0 in octaves"),
        ("prosody", np.zeros((2, 4, 2)), "inputs[1].shape is [2, 4, 2]; expected [-1, -1, 3]"),
        ("prosody", np.zeros((2, 5, 3)), "prosody has the shape [2, 5, 3]; expected [2, 4, 3]"),
        ("prosody", np.zeros((1, 4, 3)), "prosody has the shape [1, 4, 3]; expected [2, 4, 3]"),
        ("baseline", np.zeros((3, 57)), "baseline has the shape [3, 57]; expected [2, 57]"),
        ("baseline", np.zeros((2, 56)), "inputs[1].shape is [2, 56]; expected [-1, 57]"),
        ("baseline", negative_spreads(), "baseline[0][28] is -1.0; expected a spread"),
        ("baseline", counted(1.5), "baseline[1][56] is 1.5; expected the number of clips"),
        ("baseline", counted(2e6), "baseline[1][56] is 2000000.0; expected the number of clips"),
        ("baseline", counted(-7.0), "baseline[1][56] is -7.0; expected the number of clips"),
        ("baseline", np.eye(57)[:2], "baseline[0][56] is 0.0; expected the number of clips"),
    ],
)
def test_the_error_names_the_invalid_tensor(
    all_kinds: TestClient, member: str, array: Array, error: str
) -> None:
    arrays = {"frames": inputs("frames-both", 2)["frames"], member: array}
    assert error_of(infer(all_kinds, request(arrays), "frames-both")).startswith(error)


def test_a_network_refuses_a_tensor_that_it_does_not_take(all_kinds: TestClient) -> None:
    answer = infer(all_kinds, request(inputs("vector-prosody", 1)), "vector-plain")
    assert error_of(answer) == "inputs[1].name is 'prosody'; expected mfccs."


@pytest.mark.parametrize("foreign", [True, False])
@pytest.mark.parametrize("kind", ["vector", "frames"])
def test_the_whole_warning_is_that_of_a_prediction(
    all_kinds: TestClient, kind: str, foreign: bool
) -> None:
    arrays = inputs(f"{kind}-both", 1)
    (mfccs, *_) = arrays.values()
    mfccs *= -9.0 if foreign else 1.0
    del arrays["prosody"]
    document = request(arrays, parameters={"warning_details": True})
    found = infer(all_kinds, document, f"{kind}-both").json["parameters"]

    row = baselines(1, 6.0)[0].tolist()
    moments = {
        "mfccs": {"mean": row[:25], "spread": row[28:53]},
        "prosody": {"mean": row[25:28], "spread": row[53:56]},
    }
    body = {"mfccs": mfccs[0].tolist(), "baseline": moments | {"clips": 7}}
    warning = all_kinds.simulate_post(f"/prediction/{kind}-both", json=body).json["warning"]
    assert warning["code"] == (
        "outside-training-distribution" if foreign else "baseline-of-another-voice"
    )
    names = {"detail": "warning_detail", "distance": "warning_distance", "limit": "warning_limit"}
    assert {"code": found["warning"]} | {
        name: found[member] for name, member in names.items()
    } == warning


def test_the_whole_warning_of_a_batch_is_that_of_the_farthest_row(all_kinds: TestClient) -> None:
    arrays = inputs("vector-plain", 3)
    arrays["mfccs"][:, 0] = [6.0, 1.0, -8.0]
    document = request(arrays, parameters={"warning_details": True})
    found = infer(all_kinds, document, "vector-plain").json["parameters"]
    assert (found["rows_outside"], found["warning_distance"]) == (2, 8.0)


def test_warning_details_are_asked_for_by_a_boolean(all_kinds: TestClient) -> None:
    document = request(inputs("vector-plain", 1), parameters={"warning_details": "yes"})
    error = error_of(infer(all_kinds, document, "vector-plain"))
    assert error == "parameters.warning_details is 'yes'; expected true or false."
