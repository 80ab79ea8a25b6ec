import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from training.arrays import Float32
from training.distance import Distance
from training.examples import Examples
from training.export import ExportError, Served, export_network, to_onnx, verify
from training.fitting import fit
from training.networks import NETWORKS
from training.settings import TrainingSettings


def served_network(network: str, examples: Examples) -> Served:
    fitted = fit(network, examples, TrainingSettings(epochs=2, variants=0))
    distance = Distance.fit(examples.vectors, fitted.standardisation)
    return Served(fitted, distance, temperature=1.3).eval()


def answers(path: Path, vectors: Float32) -> tuple[Float32, Float32]:
    session = onnxruntime.InferenceSession(path)
    probabilities, distance = session.run(["probabilities", "distance"], {"mfccs": vectors})
    return probabilities, distance


@pytest.mark.parametrize("network", NETWORKS)
def test_the_file_says_what_pytorch_says(network: str, examples: Examples, tmp_path: Path) -> None:
    served = served_network(network, examples)
    path = tmp_path / f"{network}.onnx"
    export_network(served, {"format": "test"}, examples.recordings, path)
    with torch.inference_mode():
        expected = served(torch.from_numpy(examples.recordings))
    for ours, theirs in zip(answers(path, examples.recordings), expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-5)


def test_the_file_stands_alone_and_names_no_path_of_this_machine(
    examples: Examples, tmp_path: Path
) -> None:
    path = tmp_path / "DNN.onnx"
    export_network(served_network("DNN", examples), {}, examples.recordings, path)
    assert [item.name for item in tmp_path.iterdir()] == ["DNN.onnx"]
    assert b".py" not in path.read_bytes()
    model = onnx.load(path, load_external_data=False)
    assert not any(item.external_data for item in model.graph.initializer)
    assert (model.ir_version, model.opset_import[0].version) == (10, 18)


def test_a_graph_that_differs_from_pytorch_is_refused(examples: Examples) -> None:
    served = served_network("DNN", examples)
    model = to_onnx(served, {})
    served.mean = served.mean + 1
    with pytest.raises(ExportError, match="probabilities: ONNX Runtime and PyTorch differ by"):
        verify(model, served, examples.recordings)


def test_a_graph_that_overflows_is_refused(examples: Examples, tmp_path: Path) -> None:
    served = served_network("DNN", examples)
    served.clip = math.inf
    with pytest.raises(ExportError, match="not finite"):
        export_network(served, {}, examples.recordings, tmp_path / "DNN.onnx")
    assert not list(tmp_path.iterdir())
