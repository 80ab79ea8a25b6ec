import copy
import functools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from training.arrays import Float32
from training.calibration import Temperature
from training.examples import Examples
from training.export.deployable import (
    DeployableFrames,
    DeployableVectors,
    deployable_model,
)
from training.export.model import DeployableModel
from training.export.onnx_file import ExportError, export_network, verify
from training.export.ood_distance import Distance
from training.features.standardisation import Standardisation
from training.frames.hyperparameters import Hyperparameters
from training.frames.network import FrameNetwork, Member
from training.protocols.results import MFCCS_ALONE
from training.systems import cnn, dnn
from training.systems.base.system import Caches
from training.systems.base.trainer import Trainer
from training.systems.base.vectors import FittedVectors
from training.systems.tcn import FittedFrames

NETWORKS = {"CNN": cnn.SYSTEM, "DNN": dnn.SYSTEM}
LENGTHS = (10, 11, 130, 3_000)

Export = Callable[[str], tuple[DeployableModel, Path]]


def deployable_network(network: str, examples: Examples) -> DeployableModel:
    system = NETWORKS[network].with_hyperparameters({"epochs": 2, "variants": 0})
    fitted = Trainer.of(system, Caches.under(Path())).fit(examples, 1)
    assert isinstance(fitted, FittedVectors)
    distance = Distance.fit(examples.features, fitted.standardisation)
    return deployable_model(fitted, distance, {MFCCS_ALONE: Temperature(1.3, 0.4)})


@pytest.fixture(scope="module")
def export(
    examples: Examples, clips: list[Float32], tmp_path_factory: pytest.TempPathFactory
) -> Export:
    """A function from a vector network to its model and file; each is exported once."""

    @functools.cache
    def exported(network: str) -> tuple[DeployableModel, Path]:
        model = deployable_network(network, examples)
        path = tmp_path_factory.mktemp(network) / f"{network}.onnx"
        export_network(model, {"format": "test"}, clips, path)
        return model, path

    return exported


@pytest.fixture(scope="module")
def deployable_frames(examples: Examples, clips: list[Float32]) -> DeployableFrames:
    """A small network with random weights."""
    torch.manual_seed(0)
    members = [Member(Hyperparameters(channels=16), (1,), 8) for _ in range(2)]
    for member in members:
        member.inputs.fit(np.concatenate(clips))
    fitted = FittedFrames(FrameNetwork(members).eval(), np.zeros(1, np.float32))
    standardisation = Standardisation.fit(examples.features)
    distance = Distance.fit(examples.features, standardisation)
    model = deployable_model(fitted, distance, {MFCCS_ALONE: Temperature(0.8, 0.4)})
    assert isinstance(model, DeployableFrames)
    return model


@pytest.fixture(scope="module")
def frames_path(
    deployable_frames: DeployableFrames,
    clips: list[Float32],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path = tmp_path_factory.mktemp("models") / "TCN.onnx"
    export_network(deployable_frames, {"format": "test"}, clips, path)
    return path


def answer(path: Path, **feed: np.ndarray) -> tuple[Float32, Float32]:
    session = onnxruntime.InferenceSession(path)
    probabilities, distance = session.run(["probabilities", "distance"], feed)
    return probabilities, distance


@pytest.mark.parametrize("network", NETWORKS)
def test_the_file_agrees_with_pytorch(network: str, examples: Examples, export: Export) -> None:
    model, path = export(network)
    with torch.inference_mode():
        expected = model(torch.from_numpy(examples.recordings))
    for ours, theirs in zip(answer(path, mfccs=examples.recordings), expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_file_agrees_with_pytorch_for_frames_of_any_length(
    frames_path: Path, deployable_frames: DeployableFrames, clips: list[Float32], length: int
) -> None:
    frames = np.resize(clips[0], (2, length, 25))
    lengths = np.array([length, length // 2 + 1])
    with torch.inference_mode():
        expected = deployable_frames(torch.from_numpy(frames), torch.from_numpy(lengths))
    answers = answer(frames_path, frames=frames, lengths=lengths)
    for ours, theirs in zip(answers, expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)
    np.testing.assert_allclose(answers[0].sum(axis=1), 1, atol=1e-5)


def test_frames_beyond_the_length_are_ignored(frames_path: Path, clips: list[Float32]) -> None:
    clip = clips[0]
    padding = np.random.default_rng(0).normal(0, 300, (70, 25)).astype(np.float32)
    lengths = np.array([len(clip)])
    alone = answer(frames_path, frames=clip[None], lengths=lengths)
    padded = answer(frames_path, frames=np.concatenate([clip, padding])[None], lengths=lengths)
    for one, other in zip(alone, padded, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_distance_of_frames_equals_that_of_their_mean(
    frames_path: Path, examples: Examples, clips: list[Float32]
) -> None:
    distance = Distance.fit(examples.features, Standardisation.fit(examples.features))
    for clip, vector in list(zip(clips, examples.recordings, strict=True))[:5]:
        _, found = answer(frames_path, frames=clip[None], lengths=np.array([len(clip)]))
        np.testing.assert_allclose(found, distance.of(vector[None]), rtol=1e-4)


def test_outputs_are_finite_for_any_finite_frames(frames_path: Path) -> None:
    random = np.random.default_rng(0)
    signs = np.sign(random.normal(size=(50, 12, 25)))
    frames = (signs * 10.0 ** random.uniform(-38, 38.5, (50, 12, 1))).astype(np.float32)
    frames[:2] = np.finfo(np.float32).max
    for lengths in (np.full(50, 12), np.full(50, 10), np.zeros(50, np.int64)):
        probabilities, distance = answer(frames_path, frames=frames, lengths=lengths)
        assert np.isfinite(distance).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_file_is_self_contained_and_contains_no_local_paths(export: Export) -> None:
    _, path = export("DNN")
    assert [item.name for item in path.parent.iterdir()] == ["DNN.onnx"]
    assert b".py" not in path.read_bytes()
    model = onnx.load(path, load_external_data=False)
    assert not any(item.external_data for item in model.graph.initializer)
    assert (model.ir_version, model.opset_import[0].version) == (10, 18)


def test_a_graph_that_differs_from_pytorch_is_rejected(
    export: Export, clips: list[Float32]
) -> None:
    model, path = export("DNN")
    another = copy.deepcopy(model)
    assert isinstance(another, DeployableVectors)
    another.standardise.mean = another.standardise.mean + 1
    with pytest.raises(ExportError, match="probabilities: ONNX Runtime and PyTorch differ by"):
        verify(onnx.load(path), another, clips)


def test_a_graph_that_overflows_is_rejected(
    examples: Examples, clips: list[Float32], tmp_path: Path
) -> None:
    model = deployable_network("DNN", examples)
    assert isinstance(model, DeployableVectors)
    model.standardise.clip = math.inf
    with pytest.raises(ExportError, match="not finite"):
        export_network(model, {}, clips, tmp_path / "DNN.onnx")
    assert not list(tmp_path.iterdir())
