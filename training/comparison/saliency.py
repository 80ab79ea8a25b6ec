"""Which numbers of a clip decide what an exported convolutional network answers.

The gradient of the winning emotion's logit with respect to the input (Simonyan, Vedaldi and
Zisserman 2013, arXiv:1312.6034), taken on the file itself: PyTorch runs its nodes again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import Tensor
from torch.nn import functional

from training.arrays import Float32
from training.report.attributions import Attribution

OUTPUT = "probabilities"
Attributes = Mapping[str, Any]


def _convolution(
    given: Attributes, inputs: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    convolution = functional.conv1d if inputs.ndim == 3 else functional.conv2d
    padding = given["pads"][: inputs.ndim - 2]  # alike at both ends
    return convolution(inputs, weight, bias, given["strides"], padding, given["dilations"])


def _max_pool(given: Attributes, inputs: Tensor) -> Tensor:
    pool = functional.max_pool1d if inputs.ndim == 3 else functional.max_pool2d
    return pool(inputs, given["kernel_shape"], given["strides"])


def _batch_norm(given: Attributes, inputs: Tensor, *statistics: Tensor) -> Tensor:
    shape = (1, -1, *[1] * (inputs.ndim - 2))
    scale, bias, mean, variance = (statistic.view(shape) for statistic in statistics)
    return (inputs - mean) * scale / torch.sqrt(variance + given["epsilon"]) + bias


OPERATIONS: Mapping[str, Callable[..., Tensor]] = {  # as the exporter writes them
    "BatchNormalization": _batch_norm,
    "Clip": lambda _, inputs, low, high: torch.clamp(inputs, low, high),
    "Conv": _convolution,
    "Div": lambda _, left, right: left / right,
    "Gemm": lambda _, inputs, weight, bias: inputs @ weight.T + bias,
    "MaxPool": _max_pool,
    "Relu": lambda _, inputs: functional.relu(inputs),
    "Reshape": lambda _, inputs, shape: inputs.reshape(shape.tolist()),
    "Softmax": lambda _, inputs: inputs.softmax(dim=1),
    "Sub": lambda _, left, right: left - right,
    "Unsqueeze": lambda _, inputs, axes: inputs.unsqueeze(int(axes)),
}


@dataclass(frozen=True)
class ConvolutionalNetwork:
    """The nodes of an exported network that lead to its probabilities, the last a softmax."""

    input: str
    nodes: Sequence[onnx.NodeProto]
    constants: Mapping[str, Tensor]

    @classmethod
    def read(cls, path: Path) -> "ConvolutionalNetwork | None":
        """None where the file holds no convolution, or more than convolutions and dense layers."""
        graph = onnx.load(path).graph
        nodes = _leading_to(OUTPUT, graph.node)
        operations = {node.op_type for node in nodes}
        if "Conv" not in operations or not operations <= OPERATIONS.keys():
            return None
        constants = {
            item.name: torch.tensor(onnx.numpy_helper.to_array(item)) for item in graph.initializer
        }
        return cls(graph.input[0].name, nodes, constants)

    def logits(self, inputs: Tensor) -> Tensor:
        """Inputs (N, ...) to what the softmax is taken of, (N, L)."""
        values = {**self.constants, self.input: inputs}
        for node in self.nodes[:-1]:
            given = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
            arguments = [values[name] for name in node.input if name]
            values[node.output[0]] = OPERATIONS[node.op_type](given, *arguments)
        return values[self.nodes[-1].input[0]]

    def saliency(self, inputs: Float32) -> list[Attribution]:
        """How much every number of each clip moves the logit of the emotion that wins.

        Args:
            inputs: (N, F) vectors, or (N, bands, T) images, of N clips.

        Returns:
            N of them, frames (T, bands), a vector as a single frame. The weights are gradients
            in nats for a standard deviation of the number, or of its band, over these clips.
        """
        torch.set_num_threads(1)  # so that sums keep their order
        tensor = torch.tensor(inputs, requires_grad=True)
        logits = self.logits(tensor)
        (gradients,) = torch.autograd.grad(logits.max(dim=1).values.sum(), tensor)
        across = (0, *range(2, inputs.ndim))  # all but the features, or the bands of an image
        weights = gradients.numpy() * inputs.std(axis=across, dtype=np.float64, keepdims=True)
        frames = inputs.reshape(*inputs.shape[:2], -1).swapaxes(1, 2)  # (N, T, bands)
        found = zip(logits.argmax(dim=1).tolist(), frames, weights, strict=True)
        return [Attribution(target, clip, w.reshape(w.shape[0], -1).T) for target, clip, w in found]


def _leading_to(output: str, nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """In their order."""
    wanted, found = {output}, []
    for node in reversed(nodes):
        if wanted & {*node.output}:
            wanted |= {*node.input}
            found.append(node)
    return found[::-1]
