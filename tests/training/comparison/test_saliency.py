"""The gradient of the winning emotion, taken on exported networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from training.comparison.declaration import (
    BatchNorm,
    Convolution,
    Dense,
    Flatten,
    Layer,
    LayerModel,
    MaxPool,
    Relu,
    Training,
)
from training.comparison.layers import LayerLearner

from configuration import ROOT
from training.arrays import Float32
from training.comparison.saliency import ConvolutionalNetwork

LABELS, CLIPS = 3, 6
TRAINING = Training(optimiser="adam", learning_rate=0.01, epochs=2, batch=3)
LAYERS: tuple[Layer, ...] = (
    Convolution(channels=4, kernel=3),
    BatchNorm(),
    Relu(),
    BatchNorm(),  # one that the exporter cannot fold into a convolution
    MaxPool(size=2),
    Convolution(channels=5, kernel=3, stride=2, padding=0),
    Flatten(),
    Dense(units=6),
    Relu(),
)


def inputs_of(*shape: int) -> Float32:
    return np.random.default_rng(0).normal(3, 2, (CLIPS, *shape)).astype(np.float32)


def write(path: Path, layers: tuple[Layer, ...], inputs: Float32) -> Path:
    targets = np.arange(CLIPS) % LABELS
    model = LayerModel(name="network", layers=layers)
    learner = LayerLearner(model, TRAINING, inputs[:, None], targets, LABELS)
    onnx.save(learner.fit(np.arange(CLIPS), seed=1).graph(), path)
    return path


def read(path: Path) -> ConvolutionalNetwork:
    network = ConvolutionalNetwork.read(path)
    assert network is not None
    return network


@pytest.fixture(scope="module", params=[(12,), (8, 10)], ids=["vector", "image"])
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Float32]:
    inputs = inputs_of(*request.param)
    return write(tmp_path_factory.mktemp("model") / "network.onnx", LAYERS, inputs), inputs


def answers(path: Path) -> Callable[[Float32], Float32]:
    session = onnxruntime.InferenceSession(path)
    (*_, name) = (node.name for node in session.get_inputs())
    return lambda inputs: session.run(["probabilities"], {name: inputs})[0]


def test_the_nodes_give_what_onnx_runtime_gives(exported: tuple[Path, Float32]) -> None:
    path, inputs = exported
    probabilities = read(path).logits(torch.tensor(inputs)).softmax(dim=1)
    np.testing.assert_allclose(probabilities, answers(path)(inputs), atol=1e-5)


def test_the_project_s_own_network_is_read_as_it_is_served() -> None:
    path, inputs = ROOT / "models" / "CNN.onnx", inputs_of(25)
    probabilities = read(path).logits(torch.tensor(inputs)).softmax(dim=1)
    np.testing.assert_allclose(probabilities, answers(path)(inputs), atol=1e-5)


def test_weights_are_the_slopes_of_the_winning_logit(exported: tuple[Path, Float32]) -> None:
    path, inputs = exported
    network, step = read(path), 1e-3
    logits = in_double(network)
    deviations = inputs.std(axis=(0, *range(2, inputs.ndim)))
    places = np.random.default_rng(1).integers(inputs[0].size, size=5).tolist()
    for clip, found in zip(inputs, network.saliency(inputs), strict=True):
        assert found.target == answers(path)(clip[None])[0].argmax()
        np.testing.assert_array_equal(found.frames.T.reshape(clip.shape), clip)
        for place in places:
            moved = np.stack([clip, clip]).astype(np.float64)
            moved.reshape(2, -1)[:, place] += (-step, step)
            low, high = logits(moved)[:, found.target]
            band, *frame = np.unravel_index(place, clip.shape)
            slope = (high - low) / (2 * step) * deviations[band]
            weight = found.weights[frame[0] if frame else 0, band]
            assert weight == pytest.approx(slope, rel=0.02, abs=1e-4)


def in_double(network: ConvolutionalNetwork) -> Callable[..., Float32]:
    constants = {
        name: value.double() if value.is_floating_point() else value
        for name, value in network.constants.items()
    }
    exact = replace(network, constants=constants)
    return lambda inputs: exact.logits(torch.tensor(inputs)).numpy()


def test_a_network_without_convolutions_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "dense.onnx", (Flatten(), Dense(units=4), Relu()), inputs_of(12))
    assert ConvolutionalNetwork.read(path) is None


def test_a_network_of_more_than_convolutions_is_none() -> None:
    assert ConvolutionalNetwork.read(ROOT / "models" / "TCN.onnx") is None
