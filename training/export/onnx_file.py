"""A fitted network as a self-describing ONNX file that says the same as PyTorch."""

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
from training.export.checksum import with_checksum
from training.export.deployable import DeployableModel, Feed
from training.features.recipe import RECIPE
from training.storage.atomic_write import atomic_write

OUTPUTS = ("probabilities", "distance")
OPSET = 18  # the newest that onnxruntime-web and mobile runtimes all take
TOLERANCE = 1e-5


class ExportError(RuntimeError):
    """A graph that must not be written; the message says what is wrong with it."""


def export_network(
    served: DeployableModel, metadata: Mapping[str, str], clips: Sequence[Float32], path: Path
) -> None:
    """Writes `path` as a whole, after the graph has been held against PyTorch.

    Args:
        served: the network with all that stands around it, in evaluation mode.
        metadata: the `metadata_props` of the file.
        clips: frames float32 (T, 25) of the real clips on which both must agree.
        path: the .onnx file to write.

    Raises:
        ExportError: an output differs by more than 1e-5, or is not finite for a finite input.
    """
    model = to_onnx(served, metadata)
    verify(model, served, clips)
    with atomic_write(path) as part:
        part.write_bytes(with_checksum(model))


def graph_of(
    module: nn.Module, example: Mapping[str, Tensor], outputs: Sequence[str], axes: Any
) -> onnx.ModelProto:
    """One graph with its weights inside, and without traces of this machine.

    Args:
        module: in evaluation mode.
        example: an input of each name.
        outputs: names of what the module gives.
        axes: which dimensions are free, as `torch.onnx.export` takes them in `dynamic_shapes`.
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
        raise ExportError("PyTorch gave no graph")
    return without_traces(program.model_proto)


def to_onnx(served: DeployableModel, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """One graph with its weights inside: named inputs to `probabilities` and `distance`."""
    axes = {name: {d: Dim(n) for d, n in free.items()} for name, free in served.axes.items()}
    feed = served.feeds([np.zeros((64, RECIPE.n_mfcc), np.float32)] * 2)[0]
    example = {name: torch.from_numpy(array) for name, array in feed.items()}
    model = graph_of(served, example, OUTPUTS, axes)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model


@contextlib.contextmanager
def quiet_exporter() -> Iterator[None]:
    """PyTorch remarks on its own inner workings and on packages that are not needed here."""
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
    """The model without the exporter's notes: stack traces with paths of this machine."""
    for part in (model, model.graph):
        part.doc_string = ""
    annotated = (model.graph.node, model.graph.input, model.graph.output, model.graph.value_info)
    for item in itertools.chain(*annotated, model.graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    del model.graph.metadata_props[:]
    return model


def verify(model: onnx.ModelProto, served: DeployableModel, clips: Sequence[Float32]) -> None:
    """Raises ExportError where ONNX Runtime and PyTorch differ, or an answer is not finite."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for feed in served.feeds(clips):
        _verify_against_pytorch(session, served, feed)
    _verify_extremes(session, served.extremes())


def _verify_against_pytorch(
    session: onnxruntime.InferenceSession, served: DeployableModel, feed: Feed
) -> None:
    with torch.inference_mode():
        expected = served(*(torch.from_numpy(array) for array in feed.values()))
    answers = session.run(OUTPUTS, feed)
    for name, ours, theirs in zip(OUTPUTS, answers, expected, strict=True):
        difference = float(np.abs(ours - theirs.numpy()).max())
        if not difference <= TOLERANCE:
            raise ExportError(
                f"{name}: ONNX Runtime and PyTorch differ by {difference:.2g} on real features; "
                f"expected at most {TOLERANCE:g}"
            )


def _verify_extremes(session: onnxruntime.InferenceSession, feed: Feed) -> None:
    probabilities, distance = session.run(OUTPUTS, feed)
    if not (np.isfinite(distance).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)):
        raise ExportError("a finite input has an answer that is not finite or does not sum to 1")
