"""Networks that a recipe declares layer by layer."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional

from training.arrays import Float32, Integers
from training.comparison.declaration import (
    BatchNorm,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerModel,
    MaxPool,
    RecipeError,
    Relu,
    Training,
)
from training.comparison.learners import INPUT
from training.export.onnx_file import graph_of
from training.fitting import FitError
from training.storage.code_digest import code_digest

CLIP = 20.0  # standard deviations
ANSWERED_AT_ONCE = 64


class LayerNetwork(nn.Module):
    """Standardisation, the declared layers, and a dense layer: features to logits (N, L)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, layers: Sequence[Layer], examples: Float32, labels: int) -> None:
        """`examples` (n, ...) set the shape and the standardisation, each band by itself."""
        super().__init__()
        across = (0, *range(2, examples.ndim))  # all but the features, or the bands of an image
        mean = examples.mean(axis=across, dtype=np.float64, keepdims=True)
        scale = np.maximum(examples.std(axis=across, dtype=np.float64, keepdims=True), 1e-6)
        self.register_buffer("mean", torch.tensor(mean[0], dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale[0], dtype=torch.float32))
        self.layers = nn.Sequential()
        shape = (1, *examples.shape[1:])  # of one clip: (channels, places...)
        for number, layer in enumerate([*layers, Flatten(), Dense(labels)], 1):
            module = _module(layer, shape)
            shape = _shape_after(module, shape, f"layer {number} ({layer.__class__.__name__})")
            self.layers.append(module)

    def forward(self, features: Tensor) -> Tensor:
        """(N, ...) to logits (N, L)."""
        x = ((features - self.mean) / self.scale).clamp(-CLIP, CLIP)
        logits: Tensor = self.layers(x.unsqueeze(1))
        return logits


def _module(layer: Layer, shape: tuple[int, ...]) -> nn.Module:
    """The module for inputs of this shape, without the batch."""
    match layer:
        case Convolution() | MaxPool() | BatchNorm():
            return _spatial_module(layer, shape[0], image=len(shape) == 3)
        case Relu():
            return nn.ReLU()
        case Dropout(share):
            return nn.Dropout(share)
        case Flatten():
            return nn.Flatten()
        case Dense(units):
            return nn.Linear(shape[-1], units)


def _spatial_module(
    layer: Convolution | MaxPool | BatchNorm, channels: int, *, image: bool
) -> nn.Module:
    """What differs between one dimension and two."""
    match layer:
        case Convolution(out, kernel, stride, padding):
            padding = kernel // 2 if padding is None else padding
            convolution = nn.Conv2d if image else nn.Conv1d
            return convolution(channels, out, kernel, stride, padding)
        case MaxPool(size, stride):
            return (nn.MaxPool2d if image else nn.MaxPool1d)(size, stride)
        case BatchNorm():
            return (nn.BatchNorm2d if image else nn.BatchNorm1d)(channels)


def _shape_after(module: nn.Module, shape: tuple[int, ...], what: str) -> tuple[int, ...]:
    """Raises RecipeError where a clip of this shape cannot pass the module."""
    try:
        with torch.no_grad():
            return tuple(module.eval()(torch.zeros(2, *shape)).shape[1:])
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise RecipeError(f"{what} cannot take an input of shape {shape}: {reason}") from error


OPTIMISERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


@dataclass(frozen=True)
class LayerLearner:
    """Fits a network of layers."""

    model: LayerModel
    training: Training
    features: Float32  # (N, 1 + copies, ...); [:, 0] are the recordings
    targets: Integers  # (N,)
    labels: int

    def identity(self) -> Mapping[str, Any]:
        """Model, training, data and code."""
        return {
            "model": msgspec.to_builtins(self.model),
            "training": msgspec.to_builtins(self.training),
            "data": data_digest(self.features, self.targets),
            "code": code_digest((__name__,)),
        }

    def inputs(self, row: int) -> Float32:
        """The features of the recording itself."""
        features: Float32 = self.features[row, 0]
        return features

    def network(self, examples: Float32) -> LayerNetwork:
        """The network before the fit; raises RecipeError where a layer does not fit another."""
        return LayerNetwork(self.model.layers, examples, self.labels)

    def fit(self, rows: Integers, seed: int) -> "FittedLayers":
        """Raises FitError where the loss is no longer finite."""
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        versions = self.features.shape[1]
        examples = self.features[rows].reshape(-1, *self.features.shape[2:])
        network = self.network(examples)
        inputs = torch.tensor(examples)
        targets = torch.tensor(self.targets[rows]).repeat_interleave(versions)
        losses = _fit(network, inputs, targets, self.training)
        return FittedLayers(network.eval(), self.features[:, 0], np.array(losses, np.float32))


def _fit(network: nn.Module, inputs: Tensor, targets: Tensor, training: Training) -> list[float]:
    """The mean loss of each epoch."""
    network.train()
    optimiser = OPTIMISERS[training.optimiser](
        network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
    )
    losses = []
    for epoch in range(1, training.epochs + 1):
        batches = _batches(len(targets), training.batch)
        loss = float(np.mean([_step(network, optimiser, inputs[b], targets[b]) for b in batches]))
        if not np.isfinite(loss):
            raise FitError(f"the loss of epoch {epoch} is {loss}; try a lower learning_rate")
        losses.append(loss)
    return losses


def _batches(examples: int, size: int) -> Sequence[Tensor]:
    """All in a new order, in batches of about one size: a batch of one has no variance."""
    return torch.randperm(examples).tensor_split(max(1, -(-examples // size)))


def _step(
    network: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, targets: Tensor
) -> float:
    loss = functional.cross_entropy(network(inputs), targets)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss.item()


@dataclass(frozen=True)
class FittedLayers:
    """A fitted network of layers."""

    network: LayerNetwork  # in evaluation mode
    features: Float32  # (N, ...), of the recordings
    losses: Float32

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def probabilities(self, rows: Integers) -> Float32:
        """Float32 (n, L)."""
        parts = [rows[i : i + ANSWERED_AT_ONCE] for i in range(0, len(rows), ANSWERED_AT_ONCE)]
        with torch.inference_mode():
            answers = [self.network(torch.tensor(self.features[p])).softmax(1) for p in parts]
        return torch.cat(answers).numpy()

    def graph(self) -> onnx.ModelProto:
        """Features (N, ...) to `probabilities` (N, L)."""
        module = nn.Sequential(self.network, nn.Softmax(dim=1)).eval()
        example = {INPUT: torch.tensor(self.features[:2])}
        return graph_of(module, example, ["probabilities"], ({0: Dim("N")},))


def data_digest(features: Float32, targets: Integers) -> str:
    """A short hash of every number."""
    content = np.ascontiguousarray(features).tobytes() + targets.tobytes()
    return hashlib.sha256(repr(features.shape).encode() + content).hexdigest()[:16]
