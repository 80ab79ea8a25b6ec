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
from tests.support.models.shipped import metadata_of
from training.arrays import Float32
from training.corpora.reader import EMOTIONS
from training.examples import Examples
from training.export.metadata import FORMAT, FORMAT_OF_SEVERAL_CORPORA
from training.features.recipe import RECIPE

MODELS = ROOT / "models"
LARGEST = np.finfo(np.float32).max


MINIMUM_RECALL = 2.0  # times that of guessing
NETWORKS = ("CNN", "DNN")


@pytest.fixture(params=NETWORKS)
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
    corpus = json.loads(found["corpus"])
    several = "corpora" in corpus
    assert found["format"] == (FORMAT_OF_SEVERAL_CORPORA if several else FORMAT)
    assert json.loads(found["input"]) == "vector"
    assert tuple(json.loads(found["labels"])) == EMOTIONS
    assert json.loads(found["recipe"]) == RECIPE.as_json()
    assert "CC BY-NC-SA 4.0" in corpus["licence"]
    assert json.loads(found["training"])["versions"].keys() >= {"torch", "librosa"}
    assert json.loads(found["intended_use"]).keys() == {"for", "not_for"}


def test_the_recall_of_unseen_speakers_is_above_the_minimum(path: Path) -> None:
    found = metrics(path)
    speakers = [speaker for fold in found["folds"] for speaker in fold]
    assert len(speakers) == len(set(speakers)) == json.loads(facts(path)["corpus"])["speakers"]
    low, high = found["uarInterval"]
    chance = found.get("newSpeakers", {"chance": 1 / len(EMOTIONS)})["chance"]
    assert MINIMUM_RECALL * chance <= found["speakerIndependentUar"]
    assert low < found["speakerIndependentUar"] < high
    assert found["perEmotion"].keys() == set(EMOTIONS)


def test_the_recall_is_more_than_chance(path: Path) -> None:
    """On every other corpus; of one corpus, permuted labels show what chance is."""
    found = metrics(path)
    if "otherCorpora" not in found:
        assert found["permutedLabelsUar"] == pytest.approx(1 / 8, abs=0.06)
        return
    for corpus in found["otherCorpora"]["corpora"]:
        assert corpus["uar"] > corpus["chance"] + 0.02


def test_the_networks_are_calibrated(path: Path) -> None:
    """Where their temperature comes from: other corpora, or new speakers of the one."""
    found = metrics(path)
    other = found.get("otherCorpora", {"calibrationError": found["expectedCalibrationError"]})
    assert other["calibrationError"] <= 0.1


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
    """No corpus is far more often warned about than all together are, of unseen speakers."""
    assert warned(path, examples.recordings) < 0.01 + 2 * metrics(path)["unseenSpeakersWarned"]


def test_outputs_are_finite_for_any_finite_vector(path: Path) -> None:
    random = np.random.default_rng(0)
    signs = np.sign(random.normal(size=(100, 25)))
    scales = 10.0 ** random.uniform(-38, 38, (100, 1))
    vectors = np.concatenate([signs * LARGEST, signs * scales, np.zeros((1, 25))])
    probabilities, distance = answers(path, vectors.astype(np.float32))
    assert np.isfinite(distance).all()
    assert (distance >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
