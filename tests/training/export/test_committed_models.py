"""The committed files in `models/` of networks that take vectors."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from configuration import ROOT
from tests.support.shipped_models import metadata_of
from training.arrays import Float32
from training.corpora.ravdess import RAVDESS
from training.examples import Examples
from training.features.recipe import RECIPE

MODELS = ROOT / "models"
LARGEST = np.finfo(np.float32).max


MINIMUM_RECALLS = {"CNN": 0.40, "DNN": 0.40}


@pytest.fixture(params=MINIMUM_RECALLS)
def path(request: pytest.FixtureRequest) -> Path:
    """The file of a network that takes vectors."""
    return MODELS / f"{request.param}.onnx"


def metrics(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(facts(path)["metrics"])
    return found


def facts(path: Path) -> dict[str, str]:
    return metadata_of(path)


def answers(path: Path, vectors: Float32) -> tuple[Float32, Float32]:
    session = onnxruntime.InferenceSession(path)
    probabilities, distance = session.run(["probabilities", "distance"], {"mfccs": vectors})
    return probabilities, distance


def warned(path: Path, vectors: npt.NDArray[Any]) -> float:
    """The share of the vectors whose distance exceeds the limit."""
    _, distance = answers(path, vectors.astype(np.float32))
    return float((distance > json.loads(facts(path)["distance_limit"])).mean())


def test_the_metadata_describe_the_network(path: Path) -> None:
    found = facts(path)
    assert found["format"] == "speech-emotion-network/1"
    assert json.loads(found["input"]) == "vector"
    assert tuple(json.loads(found["labels"])) == RAVDESS.emotions
    assert json.loads(found["recipe"]) == RECIPE.as_json()
    assert json.loads(found["corpus"])["licence"] == "CC BY-NC-SA 4.0"
    assert json.loads(found["training"])["versions"].keys() >= {"torch", "librosa"}
    assert json.loads(found["intended_use"]).keys() == {"for", "not_for"}


def test_the_recall_of_unseen_speakers_is_above_the_minimum(path: Path) -> None:
    found = metrics(path)
    assert len(found["seeds"]) >= 3
    assert sorted(speaker for fold in found["folds"] for speaker in fold) == [
        f"{actor:02d}" for actor in range(1, 21)
    ]
    low, high = found["uarInterval"]
    assert MINIMUM_RECALLS[path.stem] <= found["speakerIndependentUar"]
    assert low < found["speakerIndependentUar"] < high
    assert found["perEmotion"].keys() == set(RAVDESS.emotions)


def test_the_recall_with_permuted_labels_is_at_chance(path: Path) -> None:
    assert metrics(path)["permutedLabelsUar"] == pytest.approx(1 / 8, abs=0.06)


def test_the_networks_are_calibrated(path: Path) -> None:
    assert metrics(path)["expectedCalibrationError"] <= 0.05


def test_the_model_card_contains_the_metrics_of_the_files(path: Path) -> None:
    card = (MODELS / "README.md").read_text(encoding="utf-8")
    uar = json.loads(facts(path)["metrics"])["speakerIndependentUar"]
    assert f"| {path.stem} | vector | {uar:.3f} |" in card
    assert "CC BY-NC-SA 4.0" in card


def test_every_vector_of_the_published_android_client_is_out_of_distribution(
    path: Path, ravdess: Path
) -> None:
    with (ravdess.parent / "android-client-mfccs.csv").open(encoding="utf-8") as file:
        rows = [row[1:] for row in list(csv.reader(file))[1:]]
    assert len(rows) == 34
    assert warned(path, np.array(rows, np.float32)) == 1


def test_zeros_and_noise_are_out_of_distribution(path: Path) -> None:
    random = np.random.default_rng(0)
    assert warned(path, np.zeros((1, 25))) == 1
    for scale in (0.1, 1, 10, 100, 1_000):
        assert warned(path, random.normal(0, scale, (500, 25))) == 1


def test_noise_with_the_scale_of_recordings_is_out_of_distribution(
    path: Path, examples: Examples
) -> None:
    noise = np.random.default_rng(0).normal(size=(1_000, 25))
    assert warned(path, noise * examples.recordings.std(axis=0)) > 0.99


def test_shuffled_coefficients_are_out_of_distribution(path: Path, examples: Examples) -> None:
    shuffled = np.random.default_rng(0).permuted(examples.recordings, axis=1)
    assert warned(path, shuffled) > 0.99


def test_training_recordings_are_in_distribution(path: Path, examples: Examples) -> None:
    assert warned(path, examples.recordings) < 0.01


def test_outputs_are_finite_for_any_finite_vector(path: Path) -> None:
    random = np.random.default_rng(0)
    signs = np.sign(random.normal(size=(100, 25)))
    scales = 10.0 ** random.uniform(-38, 38, (100, 1))
    vectors = np.concatenate([signs * LARGEST, signs * scales, np.zeros((1, 25))])
    probabilities, distance = answers(path, vectors.astype(np.float32))
    assert np.isfinite(distance).all()
    assert (distance >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
