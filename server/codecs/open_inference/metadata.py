"""Metadata of the server and its networks, as the Open Inference Protocol defines it."""

from typing import Any

import msgspec

import server
from server.codecs.open_inference.tensor_specs import ModelSignature, TensorSpec, version
from server.models.description.quality import Metrics
from server.models.network import Network

EXTENSIONS = ("binary_tensor_data", "classification", "model_configuration")


def server_metadata() -> dict[str, Any]:
    """The body of `GET /v2`."""
    return {"name": server.NAME, "version": server.VERSION, "extensions": EXTENSIONS}


def model_metadata(network: Network, signature: ModelSignature) -> dict[str, Any]:
    """The body of `GET /v2/models/{name}`, with `parameters` as in MLServer's types."""
    metadata = network.metadata
    parameters = {
        "probabilities": {"labels": metadata.labels},
        "distance": {"limit": metadata.distance_limit},
        "baseline_distance": {"limit": metadata.baseline_limit},
    }
    return {
        "name": network.name,
        "versions": [version(network)],
        "platform": "onnx_onnxv1",
        "inputs": [
            _tensor(spec) | ({"parameters": {"optional": True}} if spec.is_optional else {})
            for spec in signature.inputs
        ],
        "outputs": [
            _tensor(spec) | {"parameters": parameters[spec.name]} for spec in signature.outputs
        ],
        "parameters": {
            "sha256": network.sha256,
            "speakerIndependentUar": metadata.metrics.speaker_independent_uar,
            "protocol": metadata.metrics.protocol,
        }
        | _recalls(metadata.metrics),
    }


def _recalls(metrics: Metrics) -> dict[str, Any]:
    """The recalls that were measured; files of one corpus may have none."""
    recalls = {"newSpeakers": metrics.new_speakers, "otherCorpora": metrics.other_corpora}
    return {name: msgspec.to_builtins(recall) for name, recall in recalls.items() if recall}


def model_configuration(
    network: Network, signature: ModelSignature, maximum_rows: int
) -> dict[str, Any]:
    """The body of `GET /v2/models/{name}/config`: a subset of Triton's model configuration."""
    return {
        "name": network.name,
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "max_batch_size": maximum_rows,
        "input": [
            _triton_tensor(spec) | ({"optional": True} if spec.is_optional else {})
            for spec in signature.inputs
        ],
        "output": [_triton_tensor(spec) for spec in signature.outputs],
    }


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": spec.shape}


def _triton_tensor(spec: TensorSpec) -> dict[str, Any]:
    """Triton omits the batch dimension if it has a maximum, and writes a scalar as [1]."""
    return {
        "name": spec.name,
        "data_type": f"TYPE_{spec.datatype}",
        "dims": spec.shape[1:] or (1,),
    }
