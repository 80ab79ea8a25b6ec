"""The committed frame networks, which were trained on four corpora."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from configuration import ROOT
from tests.support.models.shipped import metadata_of
from training.arrays import Float32
from training.corpora.reader import EMOTIONS
from training.examples import Examples
from training.voice.summary import BASELINE, PROSODY

NETWORKS = ("TCN", "TCN-ensemble")
CORPORA = {"RAVDESS speech", "CREMA-D", "nEMO", "emodb-2s"}
LARGEST = np.finfo(np.float32).max


@pytest.fixture(scope="module", params=NETWORKS)
def path(request: pytest.FixtureRequest) -> Path:
    return ROOT / "models" / f"{request.param}.onnx"


@pytest.fixture(scope="module")
def facts(path: Path) -> dict[str, Any]:
    found = metadata_of(path)
    return {key: json.loads(text) for key, text in found.items() if key not in {"format", "sha256"}}


@pytest.fixture(scope="module")
def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path)


def run(session: onnxruntime.InferenceSession, frames: Float32) -> tuple[Float32, Float32]:
    """Probabilities and distances of frames (N, T, 25) without prosody and baseline."""
    clips, length, _ = frames.shape
    feed = {
        "frames": frames,
        "lengths": np.full(clips, length),
        "prosody": np.zeros((clips, length, PROSODY), np.float32),
        "baseline": np.zeros((clips, BASELINE), np.float32),
    }
    probabilities, distances = session.run(["probabilities", "distance"], feed)
    return probabilities, distances


def test_the_metadata_name_every_corpus(path: Path, facts: dict[str, Any]) -> None:
    assert metadata_of(path)["format"] == "speech-emotion-network/3"
    assert tuple(facts["labels"]) == EMOTIONS
    assert {corpus["name"] for corpus in facts["corpus"]["corpora"]} == CORPORA
    for licence in ("CC BY-NC-SA 4.0", "Open Database License"):
        assert licence in facts["corpus"]["licence"]


@pytest.mark.parametrize("protocol", ["otherCorpora", "newSpeakers"])
def test_every_corpus_is_above_guessing(facts: dict[str, Any], protocol: str) -> None:
    found = facts["metrics"][protocol]
    assert {corpus["name"] for corpus in found["corpora"]} == CORPORA
    for corpus in found["corpora"]:
        assert corpus["uar"] > 2 * corpus["chance"]


def test_a_baseline_helps_on_other_corpora(facts: dict[str, Any]) -> None:
    """On all but RAVDESS, where it changes little beside prosody."""
    for corpus in facts["metrics"]["otherCorpora"]["corpora"]:
        least = -0.005 if corpus["name"] == "RAVDESS speech" else 0.03
        assert corpus["baselineUar"] > corpus["uar"] + least


def test_the_file_is_small(path: Path) -> None:
    assert path.stat().st_size <= 2_000_000


@pytest.mark.parametrize("length", [10, 130, 3_000])
def test_the_outputs_are_finite_for_any_finite_frames(
    session: onnxruntime.InferenceSession, length: int
) -> None:
    random = np.random.default_rng(0)
    signs = np.sign(random.normal(size=(2, length, 25)))
    scales = 10.0 ** random.uniform(-38, 38, (2, length, 1))
    for frames in (signs * scales, signs * LARGEST, 0 * signs):
        probabilities, distance = run(session, frames.astype(np.float32))
        assert np.isfinite(distance).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_it_recognises_its_training_recordings(
    session: onnxruntime.InferenceSession,
    facts: dict[str, Any],
    examples: Examples,
    clips: list[Float32],
) -> None:
    answers = [run(session, clip[None]) for clip in clips]
    predictions = np.array([probabilities.argmax() for probabilities, _ in answers])
    assert (predictions == examples.targets).mean() > 0.6
    warned = np.mean([distance.item() > facts["distance_limit"] for _, distance in answers])
    assert warned < 0.1


def test_the_published_android_client_is_warned_about(
    session: onnxruntime.InferenceSession, facts: dict[str, Any], ravdess: Path
) -> None:
    with (ravdess.parent / "android-client-mfccs.csv").open(encoding="utf-8") as file:
        vectors = np.array([row[1:] for row in list(csv.reader(file))[1:]], np.float32)
    _, distances = run(session, np.repeat(vectors[:, None], 10, axis=1))
    assert (distances > facts["distance_limit"]).all()


def test_the_ensemble_is_what_clients_choose() -> None:
    found = [metadata_of(ROOT / "models" / f"{name}.onnx") for name in NETWORKS]
    one, three = (json.loads(each["metrics"])["otherCorpora"]["uar"] for each in found)
    assert three > one
