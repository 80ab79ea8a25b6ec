"""The committed files in `models/`."""

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


MINIMUM_RECALLS = {"CNN": 0.40, "DNN": 0.40, "TCN": 0.66}


@pytest.fixture(params=["CNN", "DNN"])
def path(request: pytest.FixtureRequest) -> Path:
    """The file of a network that takes vectors."""
    return MODELS / f"{request.param}.onnx"


@pytest.fixture(params=MINIMUM_RECALLS)
def any_path(request: pytest.FixtureRequest) -> Path:
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


def test_the_metadata_describe_the_network(any_path: Path) -> None:
    found = facts(any_path)
    assert found["format"] == "speech-emotion-network/1"
    assert json.loads(found["input"]) == ("frames" if any_path.stem == "TCN" else "vector")
    assert tuple(json.loads(found["labels"])) == RAVDESS.emotions
    assert json.loads(found["recipe"]) == RECIPE.as_json()
    assert json.loads(found["corpus"])["licence"] == "CC BY-NC-SA 4.0"
    assert json.loads(found["training"])["versions"].keys() >= {"torch", "librosa"}
    assert json.loads(found["intended_use"]).keys() == {"for", "not_for"}


def test_the_recall_of_unseen_speakers_is_above_the_minimum(any_path: Path) -> None:
    found = metrics(any_path)
    assert len(found["seeds"]) >= 3
    assert sorted(speaker for fold in found["folds"] for speaker in fold) == [
        f"{actor:02d}" for actor in range(1, 21)
    ]
    low, high = found["uarInterval"]
    assert MINIMUM_RECALLS[any_path.stem] <= found["speakerIndependentUar"]
    assert low < found["speakerIndependentUar"] < high
    assert found["perEmotion"].keys() == set(RAVDESS.emotions)


def test_the_recall_with_permuted_labels_is_at_chance(any_path: Path) -> None:
    assert metrics(any_path)["permutedLabelsUar"] == pytest.approx(1 / 8, abs=0.06)


def test_the_networks_are_calibrated(any_path: Path) -> None:
    assert metrics(any_path)["expectedCalibrationError"] <= 0.05


@pytest.mark.parametrize(
    "condition", ["white noise 20 dB", "babble 20 dB", "gain +12 dB", "gain -12 dB"]
)
def test_the_frame_network_is_robust_to_faint_noise_and_gain(condition: str) -> None:
    found = metrics(MODELS / "TCN.onnx")
    assert found["speakerIndependentUar"] - found["robustness"][condition] <= 0.05


def test_the_frame_networks_file_is_small() -> None:
    assert (MODELS / "TCN.onnx").stat().st_size <= 3_000_000


@pytest.mark.parametrize("length", [10, 130, 3_000])
def test_the_frame_network_has_finite_outputs_for_any_finite_frames(length: int) -> None:
    random = np.random.default_rng(0)
    signs = np.sign(random.normal(size=(2, length, 25)))
    scales = 10.0 ** random.uniform(-38, 38, (2, length, 1))
    for frames in (signs * scales, signs * LARGEST, 0 * signs):
        session = onnxruntime.InferenceSession(MODELS / "TCN.onnx")
        feed = {"frames": frames.astype(np.float32), "lengths": np.array([length, 10])}
        probabilities, distance = session.run(["probabilities", "distance"], feed)
        assert np.isfinite(distance).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_frame_network_recognises_its_training_recordings(
    examples: Examples, clips: list[Float32]
) -> None:
    session = onnxruntime.InferenceSession(MODELS / "TCN.onnx")
    feeds = ({"frames": clip[None], "lengths": np.array([len(clip)])} for clip in clips)
    answers = [session.run(["probabilities", "distance"], feed) for feed in feeds]
    predictions = np.array([probabilities.argmax() for probabilities, _ in answers])
    assert (predictions == examples.targets).mean() > 0.9
    limit = json.loads(facts(MODELS / "TCN.onnx")["distance_limit"])
    assert np.mean([distance.item() > limit for _, distance in answers]) < 0.01


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
