"""Writes a network as a self-contained ONNX file, after comparing it with PyTorch."""

import contextlib
import itertools
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.export import Dim

from training.arrays import Float32
from training.errors import UserError
from training.export.checksum import with_checksum
from training.export.model import DeployableModel, Feed
from training.storage.atomic_write import write_bytes

OPSET = 18  # the newest that onnxruntime-web and mobile runtimes all take
TOLERANCE = 1e-5  # of probabilities
# Of distances, relative above 1: sums of large products nearly cancel, and no warning needs more.
DISTANCE_TOLERANCE = 1e-4


class ExportError(UserError):
    """A graph that must not be written; the message gives the reason."""


def export_network(
    model: DeployableModel, metadata: Mapping[str, str], clips: Sequence[Any], path: Path
) -> None:
    """Writes `path` atomically, if the graph agrees with PyTorch.

    Args:
        model: the model, in evaluation mode.
        metadata: the `metadata_props` of the file.
        clips: real clips, as the network takes them, on which the two are compared.
        path: the .onnx file to write.

    Raises:
        ExportError: an output differs by more than its tolerance, or is not finite for a finite
            input.
    """
    graph = to_onnx(model, metadata)
    verify(graph, model, clips)
    write_bytes(path, with_checksum(graph))


def graph_of(
    module: nn.Module, example: Mapping[str, Tensor], outputs: Sequence[str], axes: Any
) -> onnx.ModelProto:
    """A PyTorch module as an ONNX graph with its weights inside, without paths of this machine.

    Args:
        module: in evaluation mode.
        example: one example of each input, by name.
        outputs: names of the outputs.
        axes: the free dimensions, in the form of `dynamic_shapes` of `torch.onnx.export`.
    """
    with quiet_exporter():
        program = torch.onnx.export(
            module,
            tuple(example.values()),
            input_names=list(example),
            output_names=list(outputs),
            dynamic_shapes=axes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise ExportError("PyTorch exported no graph")
    return without_traces(program.model_proto)


def to_onnx(model: DeployableModel, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """A deployable model as a graph: its inputs to `probabilities`, `distance` and others."""
    axes = {name: {d: Dim(n) for d, n in free.items()} for name, free in model.axes.items()}
    example = {name: torch.from_numpy(array) for name, array in model.example().items()}
    graph = graph_of(model.exported().eval(), example, model.outputs, axes)
    onnx.helper.set_model_props(graph, dict(metadata))
    onnx.checker.check_model(graph, full_check=True)
    return graph


@contextlib.contextmanager
def quiet_exporter() -> Iterator[None]:
    """Silences notes of PyTorch's exporter about its internals and about optional packages."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.filterwarnings("ignore", "# The axis name", UserWarning)
            yield
    finally:
        logger.setLevel(level)


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Removes the exporter's notes, which contain stack traces with paths of this machine."""
    for part in (model, model.graph):
        part.doc_string = ""
    annotated = (model.graph.node, model.graph.input, model.graph.output, model.graph.value_info)
    for item in itertools.chain(*annotated, model.graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    del model.graph.metadata_props[:]
    return model


def verify(graph: onnx.ModelProto, model: DeployableModel, clips: Sequence[Float32]) -> None:
    """Compares ONNX Runtime with PyTorch.

    Raises:
        ExportError: their outputs differ, or an output is not finite.
    """
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    for feed in model.feeds(clips):
        _verify_against_pytorch(session, model, feed)
    _verify_extremes(session, model)


def _verify_against_pytorch(
    session: onnxruntime.InferenceSession, model: DeployableModel, feed: Feed
) -> None:
    with torch.inference_mode():
        expected = model(*(torch.from_numpy(array) for array in feed.values()))
    answers = session.run(model.outputs, feed)
    for name, ours, theirs in zip(model.outputs, answers, expected, strict=True):
        tolerance = TOLERANCE if name == "probabilities" else DISTANCE_TOLERANCE
        scale = np.maximum(np.abs(theirs.numpy()), 1)
        difference = float((np.abs(ours - theirs.numpy()) / scale).max())
        if not difference <= tolerance:
            raise ExportError(
                f"{name}: ONNX Runtime and PyTorch differ by {difference:.2g} on real features; "
                f"expected at most {tolerance:g}"
            )


def _verify_extremes(session: onnxruntime.InferenceSession, model: DeployableModel) -> None:
    probabilities, *distances = session.run(model.outputs, model.extremes())
    finite = all(np.isfinite(distance).all() for distance in distances)
    if not (finite and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)):
        raise ExportError(
            "for a finite input, the distance is not finite or the probabilities do not sum to 1"
        )
