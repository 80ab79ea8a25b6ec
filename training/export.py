"""A fitted network as a self-describing ONNX file that says the same as PyTorch."""

import contextlib
import copy
import itertools
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.arrays import Float32
from training.distance import CLUSTERS, Distance
from training.fitting import Fitted
from training.recipe import RECIPE
from training.standardisation import CLIP

OPSET = 18  # the newest that onnxruntime-web and mobile runtimes all take
TOLERANCE = 1e-5


class ExportError(RuntimeError):
    """A graph that must not be written; the message says what is wrong with it."""


class Served(nn.Module):
    """Everything between raw MFCC vectors and the answer, in as few graph nodes as it takes.

    Standardisation is one BatchNormalization node, the distance one Gemm and two reductions: of a
    prediction's microseconds most go to the nodes' number, not to their arithmetic.
    """

    def __init__(self, fitted: Fitted, distance: Distance, temperature: float) -> None:
        super().__init__()
        self.module = _tempered(fitted.module, temperature)
        self.clip = CLIP
        self.mean = _constant(fitted.standardisation.mean)
        self.variance = torch.square(_constant(fitted.standardisation.scale))
        self.whitening = _constant(distance.whitening).T.contiguous()
        self.centres = _constant(distance.centres)

    def forward(self, mfccs: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (N, 25), any finite numbers, to probabilities (N, L) and distances (N,)."""
        standardised = functional.batch_norm(mfccs, self.mean, self.variance, eps=0.0)
        standardised = torch.clamp(standardised, -self.clip, self.clip)
        probabilities = torch.softmax(self.module(standardised), dim=1)
        offsets = functional.linear(standardised, self.whitening, -self.centres)
        offsets = offsets.reshape(-1, CLUSTERS, RECIPE.n_mfcc)
        return probabilities, torch.linalg.vector_norm(offsets, dim=2).amin(dim=1)


def _tempered(module: nn.Module, temperature: float) -> nn.Module:
    """A copy of the network whose last layer gives logits that are divided by the temperature."""
    tempered = copy.deepcopy(module)
    *_, last = (layer for layer in tempered.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        last.weight.div_(temperature)
        last.bias.div_(temperature)
    return tempered


def export_network(
    served: Served, metadata: Mapping[str, str], recordings: Float32, path: Path
) -> None:
    """Writes `path` as a whole, after the graph has been held against PyTorch.

    Args:
        served: the network with all that stands around it.
        metadata: the `metadata_props` of the file.
        recordings: float32 (N, 25), the real features on which both must agree.
        path: the .onnx file to write.

    Raises:
        ExportError: an output differs by more than 1e-5, or is not finite for a finite input.
    """
    model = to_onnx(served.eval(), metadata)
    verify(model, served, recordings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        file.write(model.SerializeToString())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def to_onnx(served: Served, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """One graph with its weights inside: `mfccs` to `probabilities` and `distance`."""
    with _without_the_exporters_remarks():
        program = torch.onnx.export(
            served,
            (torch.zeros(2, RECIPE.n_mfcc),),
            input_names=["mfccs"],
            output_names=["probabilities", "distance"],
            dynamic_shapes={"mfccs": {0: torch.export.Dim("N")}},
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise ExportError("PyTorch gave no graph")
    model = without_traces(program.model_proto)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model


@contextlib.contextmanager
def _without_the_exporters_remarks() -> Iterator[None]:
    """PyTorch remarks on its own inner workings and on packages that are not needed here."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
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


def verify(model: onnx.ModelProto, served: Served, recordings: Float32) -> None:
    """Raises ExportError where ONNX Runtime and PyTorch differ, or an answer is not finite."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    _verify_against_pytorch(session, served, recordings)
    _verify_extremes(session, recordings)


def _verify_against_pytorch(
    session: onnxruntime.InferenceSession, served: Served, recordings: Float32
) -> None:
    with torch.inference_mode():
        expected = [output.numpy() for output in served(torch.from_numpy(recordings))]
    answers = session.run(["probabilities", "distance"], {"mfccs": recordings})
    for name, ours, theirs in zip(("probabilities", "distance"), answers, expected, strict=True):
        difference = float(np.abs(ours - theirs).max())
        if not difference <= TOLERANCE:
            raise ExportError(
                f"{name}: ONNX Runtime and PyTorch differ by {difference:.2g} on real features; "
                f"expected at most {TOLERANCE:g}"
            )


def _verify_extremes(session: onnxruntime.InferenceSession, recordings: Float32) -> None:
    largest = np.finfo(np.float32).max
    signs = np.where(np.random.default_rng(0).random((64, recordings.shape[1])) < 0.5, -1, 1)
    extremes = np.concatenate([signs * largest, np.zeros_like(signs[:1])]).astype(np.float32)
    probabilities, distance = session.run(["probabilities", "distance"], {"mfccs": extremes})
    if not (np.isfinite(distance).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)):
        raise ExportError("a finite input has an answer that is not finite or does not sum to 1")


def _constant(array: Float32) -> Tensor:
    return torch.from_numpy(array)
