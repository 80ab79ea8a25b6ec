"""The gradient of the winning emotion, taken on exported networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from configuration import ROOT
from training.arrays import Float32
from training.comparison.saliency import ConvolutionalNetwork
from training.examples import Examples
from training.systems.base.networks import NetworkHyperparameters, NetworkModel
from training.systems.base.system import Caches, FitContext

LABELS, CLIPS = 3, 6
HYPERPARAMETERS = NetworkHyperparameters(
    optimiser="adam", learning_rate=0.01, epochs=2, batch_size=3
)
FLAT = {(12,): 5 * 2, (8, 10): 5 * 1 * 2}  # numbers behind the last convolution


def convolutions(shape: tuple[int, ...]) -> Callable[[int], nn.Module]:
    image = len(shape) == 2
    convolution, pool = (nn.Conv2d, nn.MaxPool2d) if image else (nn.Conv1d, nn.MaxPool1d)
    norm = nn.BatchNorm2d if image else nn.BatchNorm1d

    def layers(labels: int) -> nn.Module:
        return nn.Sequential(
            convolution(1, 4, 3, padding=1),
            norm(4),
            nn.ReLU(),
            norm(4),  # one that the exporter cannot fold into a convolution
            pool(2),
            convolution(4, 5, 3, stride=2),
            nn.Flatten(),
            nn.Linear(FLAT[shape], 6),
            nn.ReLU(),
            nn.Linear(6, labels),
        )

    return layers


def inputs_of(*shape: int) -> Float32:
    return np.random.default_rng(0).normal(3, 2, (CLIPS, *shape)).astype(np.float32)


def write(path: Path, layers: Callable[[int], nn.Module], inputs: Float32) -> Path:
    examples = Examples(
        features=inputs[:, None],
        targets=np.arange(CLIPS) % LABELS,
        speakers=np.full(CLIPS, "1"),
        content_hashes=np.full(CLIPS, "0"),
        auxiliary_labels=np.full((CLIPS, 3), -1),
        labels=("a", "b", "c"),
    )
    model = NetworkModel(layers=layers, hyperparameters=HYPERPARAMETERS)
    fitted = model.fit(examples, FitContext(1, Caches.under(path)))
    onnx.save(fitted.graph(), path)
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
    return write(
        tmp_path_factory.mktemp("model") / "network.onnx", convolutions(request.param), inputs
    ), inputs


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
    def dense(labels: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, labels))

    path = write(tmp_path / "dense.onnx", dense, inputs_of(12))
    assert ConvolutionalNetwork.read(path) is None


def test_a_network_of_more_than_convolutions_is_none() -> None:
    assert ConvolutionalNetwork.read(ROOT / "models" / "TCN.onnx") is None
