"""The files in `models/`, as they are served."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest

from configuration import ROOT
from training.arrays import Float32
from training.corpora import RAVDESS
from training.examples import Examples
from training.recipe import RECIPE

MODELS = ROOT / "models"
LARGEST = np.finfo(np.float32).max


@pytest.fixture(params=["CNN", "DNN"])
def path(request: pytest.FixtureRequest) -> Path:
    return MODELS / f"{request.param}.onnx"


def facts(path: Path) -> dict[str, str]:
    return {prop.key: prop.value for prop in onnx.load(path).metadata_props}


def answers(path: Path, vectors: Float32) -> tuple[Float32, Float32]:
    session = onnxruntime.InferenceSession(path)
    probabilities, distance = session.run(["probabilities", "distance"], {"mfccs": vectors})
    return probabilities, distance


def warned(path: Path, vectors: npt.NDArray[Any]) -> float:
    """The share of the vectors that lie beyond the limit."""
    _, distance = answers(path, vectors.astype(np.float32))
    return float((distance > json.loads(facts(path)["distance_limit"])).mean())


def test_the_metadata_says_how_the_network_was_made(path: Path) -> None:
    found = facts(path)
    assert found["format"] == "speech-emotion-network/1"
    assert json.loads(found["input"]) == "vector"
    assert tuple(json.loads(found["labels"])) == RAVDESS.emotions
    assert json.loads(found["recipe"]) == RECIPE.as_json()
    assert json.loads(found["corpus"])["licence"] == "CC BY-NC-SA 4.0"
    assert json.loads(found["training"])["versions"].keys() >= {"torch", "librosa"}
    assert json.loads(found["intended_use"]).keys() == {"for", "not_for"}


def test_the_measured_recall_of_unseen_speakers_is_above_the_bar(path: Path) -> None:
    metrics = json.loads(facts(path)["metrics"])
    assert metrics["speakerIndependentUar"] >= 0.40
    assert metrics["perEmotion"].keys() == set(RAVDESS.emotions)


def test_the_model_card_gives_the_figures_of_the_files(path: Path) -> None:
    card = (MODELS / "README.md").read_text(encoding="utf-8")
    uar = json.loads(facts(path)["metrics"])["speakerIndependentUar"]
    assert f"| {path.stem} | vector | {uar:.3f} |" in card
    assert "CC BY-NC-SA 4.0" in card


def test_every_vector_of_the_published_android_client_is_foreign(path: Path, ravdess: Path) -> None:
    with (ravdess.parent / "android-client-mfccs.csv").open(encoding="utf-8") as file:
        rows = [row[1:] for row in list(csv.reader(file))[1:]]
    assert len(rows) == 34
    assert warned(path, np.array(rows, np.float32)) == 1


def test_zeros_and_noise_are_foreign(path: Path) -> None:
    random = np.random.default_rng(0)
    assert warned(path, np.zeros((1, 25))) == 1
    for scale in (0.1, 1, 10, 100, 1_000):
        assert warned(path, random.normal(0, scale, (500, 25))) == 1


def test_noise_of_the_recordings_own_scale_is_foreign(path: Path, examples: Examples) -> None:
    noise = np.random.default_rng(0).normal(size=(1_000, 25))
    assert warned(path, noise * examples.recordings.std(axis=0)) > 0.99


def test_shuffled_coefficients_are_foreign(path: Path, examples: Examples) -> None:
    shuffled = np.random.default_rng(0).permuted(examples.recordings, axis=1)
    assert warned(path, shuffled) > 0.99


def test_voices_that_it_was_trained_on_are_not_foreign(path: Path, examples: Examples) -> None:
    assert warned(path, examples.recordings) < 0.01


def test_any_finite_vector_has_a_finite_answer(path: Path) -> None:
    random = np.random.default_rng(0)
    signs = np.sign(random.normal(size=(100, 25)))
    scales = 10.0 ** random.uniform(-38, 38, (100, 1))
    vectors = np.concatenate([signs * LARGEST, signs * scales, np.zeros((1, 25))])
    probabilities, distance = answers(path, vectors.astype(np.float32))
    assert np.isfinite(distance).all()
    assert (distance >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
