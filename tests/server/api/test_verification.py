import json
from typing import Any

import pytest
from falcon.testing import Result, TestClient

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
