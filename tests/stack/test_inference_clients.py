"""Third-party clients of the Open Inference Protocol get the same results as /prediction."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.models.predictors import Array
from tests.support.harness import DEADLINE, ROOT, Server
from tests.support.inference import predicted
from tests.support.missing import missing

PYTHON = ROOT / ".venv-inference-clients" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "inference_clients"
ROWS = 5


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("inputs") / "inputs.npz"
    np.savez(
        path,
        vectors=random.normal(0, 60, (ROWS, 25)).astype(np.float32),
        frames=random.normal(0, 30, (ROWS, 90, 25)).astype(np.float32),
        lengths=random.integers(10, 90, ROWS, np.int64),
    )
    return path


@pytest.fixture(scope="module")
def expected(server: Server, inputs: Path) -> dict[str, Array]:
    """The probabilities of /prediction for the vectors and for the frames."""
    arrays = np.load(inputs)
    utterances = zip(arrays["frames"], arrays["lengths"], strict=True)
    return {
        "vectors": np.array([predicted(server, "DNN", row) for row in arrays["vectors"]]),
        "frames": np.array(
            [predicted(server, "TCN", rows[:length]) for rows, length in utterances]
        ),
    }


def answers_of(script: str, server: Server, inputs: Path) -> dict[str, Any]:
    if not PYTHON.exists():
        missing("no .venv-inference-clients: `make .venv-inference-clients` creates it")
    done = subprocess.run(
        [PYTHON, SCRIPTS / script, f"127.0.0.1:{server.port}", inputs],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        env=os.environ | {"ORT_DISABLE_TELEMETRY": "1"},
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


@pytest.fixture(scope="module")
def triton(server: Server, inputs: Path) -> dict[str, Any]:
    return answers_of("triton.py", server, inputs)


@pytest.fixture(scope="module")
def mlserver(server: Server, inputs: Path) -> dict[str, Any]:
    return answers_of("mlserver_types.py", server, inputs)


def check(found: dict[str, Any], expected: Array) -> None:
    np.testing.assert_allclose(
        found["probabilities"], expected[: len(found["distance"])], rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["vectors", "frames"])
@pytest.mark.parametrize(
    "mode", ["default", "json", "mixed", "single", "single json", "async", "gzip answer"]
)
def test_tritons_client_predicts(
    triton: dict[str, Any], expected: dict[str, Array], kind: str, mode: str
) -> None:
    found = triton[kind][mode]
    assert len(found["probabilities"]) == (1 if "single" in mode else ROWS)
    check(found, expected[kind])


def test_tritons_asyncio_client_predicts(
    triton: dict[str, Any], expected: dict[str, Array]
) -> None:
    check(triton["aio"], expected["vectors"])


def test_tritons_client_gets_the_most_probable_labels(
    triton: dict[str, Any], expected: dict[str, Array]
) -> None:
    best = np.argsort(-expected["vectors"], axis=1)[:, :2]
    indices = [[int(text.split(":")[1]) for text in row] for row in triton["classes"]]
    assert indices == best.tolist()


def test_tritons_client_reads_the_metadata(triton: dict[str, Any]) -> None:
    about = triton["about"]
    assert (about["live"], about["ready"], about["model ready"]) == (True, True, True)
    assert about["unknown ready"] is False
    assert "binary_tensor_data" in about["server"]["extensions"]
    inputs = [tensor["name"] for tensor in about["model"]["inputs"]]
    assert inputs == ["frames", "lengths", "prosody", "baseline"]
    assert about["configuration"]["max_batch_size"] == 65_536
    assert len(triton["version"]) == 12


@pytest.mark.parametrize(
    ("what", "status", "message"),
    [
        ("unknown", "404", "There is no network 'RNN'."),
        ("wrong input", "400", "inputs[0].name is 'mfccs'; expected baseline or frames"),
        ("version", "404", "has no version '1'"),
        ("gzip", "415", "The content encoding is 'gzip'"),
        ("repository", "501", "not supported"),
        ("load", "501", "not supported"),
    ],
)
def test_tritons_client_reads_errors(
    triton: dict[str, Any], what: str, status: str, message: str
) -> None:
    refusal = triton["refusals"][what]
    assert refusal["status"] == status
    assert message in refusal["message"]


@pytest.mark.parametrize(
    ("case", "kind"),
    [("vectors", "vectors"), ("single", "vectors"), ("codec", "vectors"), ("frames", "frames")],
)
def test_mlservers_types_predict(
    mlserver: dict[str, Any], expected: dict[str, Array], case: str, kind: str
) -> None:
    check(mlserver[case], expected[kind])


def test_mlservers_types_parse_metadata_and_errors(mlserver: dict[str, Any]) -> None:
    assert mlserver["id"] == "9"
    assert list(mlserver["one output"]) == ["distance"]
    assert mlserver["server"]["name"] == "speech-emotion-server"
    assert mlserver["model"]["outputs"][0]["parameters"]["labels"][0] == "angry"
    assert mlserver["error"] == "inputs[0].datatype is 'FP64'; expected FP32."
