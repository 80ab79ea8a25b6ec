"""The shipped network with prosody and baseline: from a recording to a warning."""

from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import soundfile
from numpy.typing import NDArray

from tests.support.harness import ROOT, Server

MODELS = ROOT / "models"
NETWORK = "DNN-prosody"
Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def features() -> dict[str, Array]:
    """What the extractor returns for the reference clip at 48 kHz, by output."""
    session = ort.InferenceSession(MODELS / "extractor-48000.onnx")
    audio, _ = soundfile.read(MODELS / "reference-48000.wav", dtype="float32", always_2d=True)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"audio": audio}), strict=True))


def baseline_of(features: dict[str, Array], shift: float = 0.0) -> dict[str, Any]:
    """A baseline of one clip; `shift`: decibels that another microphone adds to coefficients."""
    voiced = features["prosody"][:, 0] > 0
    moments = {}
    for member, rows in (("mfccs", features["frames"]), ("prosody", features["prosody"])):
        mean, spread = rows.mean(0), rows.std(0)
        if member == "prosody":
            mean[0], spread[0] = rows[voiced, 0].mean(), rows[voiced, 0].std()
        else:
            mean[1:] += shift
        moments[member] = {"mean": mean.tolist(), "spread": spread.tolist()}
    return {"clips": 1} | moments


def predict(server: Server, **members: Any) -> dict[str, Any]:
    answer = server.client.post(f"/prediction/{NETWORK}", json=members)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_handshake_says_which_network_takes_prosody_and_baseline(server: Server) -> None:
    networks = server.client.get("/init/configuration").json()["networks"]
    members = {network["networkType"]: network["optionalMembers"] for network in networks}
    both = ["prosody", "baseline"]
    assert members == {"CNN": [], "DNN": [], NETWORK: both, "TCN": both, "TCN-ensemble": both}


def test_frames_and_vectors_give_the_same_prediction(
    server: Server, features: dict[str, Array]
) -> None:
    frames = predict(
        server, mfccs=features["frames"].tolist(), prosody=features["prosody"].tolist()
    )
    vectors = predict(
        server, mfccs=features["mfccs"].tolist(), prosody=features["prosody_statistics"].tolist()
    )
    alone = predict(server, mfccs=features["mfccs"].tolist())
    values = [
        [result["prediction"] for result in answer["results"]]
        for answer in (frames, vectors, alone)
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-4)
    assert values[0] != pytest.approx(values[2], abs=1e-3)


def test_a_baseline_of_another_voice_is_told(server: Server, features: dict[str, Array]) -> None:
    sent = {
        "mfccs": features["mfccs"].tolist(),
        "prosody": features["prosody_statistics"].tolist(),
    }
    own = predict(server, **sent, baseline=baseline_of(features))
    assert "warning" not in own
    assert own["results"] != predict(server, **sent)["results"]
    warning = predict(server, **sent, baseline=baseline_of(features, shift=40.0))["warning"]
    assert warning["code"] == "baseline-of-another-voice"
    assert warning["distance"] > warning["limit"] > 0


def test_a_batch_has_the_distance_of_each_row(server: Server, features: dict[str, Array]) -> None:
    baseline = baseline_of(features, shift=40.0)
    moments = [baseline[name][part] for part in ("mean", "spread") for name in ("mfccs", "prosody")]
    rows = np.zeros((2, 57), np.float32)
    rows[1] = np.concatenate([*moments, [1]])
    tensors = {
        "mfccs": np.tile(features["mfccs"], (2, 1)),
        "prosody": np.tile(features["prosody_statistics"], (2, 1)),
        "baseline": rows,
    }
    inputs = [
        {"name": name, "shape": array.shape, "datatype": "FP32", "data": array.ravel().tolist()}
        for name, array in tensors.items()
    ]
    answer = server.client.post(f"/v2/models/{NETWORK}/infer", json={"inputs": inputs}).json()
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    stranger, other = outputs["baseline_distance"]
    assert stranger == 0.0
    assert other > answer["parameters"]["baseline_limit"]
    assert answer["parameters"]["rows_of_another_voice"] == 1
