"""What the protocol's clients ask about the server and its networks."""

from typing import Any

import server
from server.codecs.tensor_specs import Signature, Tensor, version
from server.models.network import Network

EXTENSIONS = ("binary_tensor_data", "classification", "model_configuration")


def server_metadata() -> dict[str, Any]:
    """`GET /v2`."""
    return {"name": server.NAME, "version": server.VERSION, "extensions": EXTENSIONS}


def model_metadata(network: Network, signature: Signature) -> dict[str, Any]:
    """`GET /v2/models/{name}`; `parameters` is what MLServer's types have a place for."""
    metadata = network.metadata
    parameters = {
        "probabilities": {"labels": metadata.labels},
        "distance": {"limit": metadata.distance_limit},
    }
    return {
        "name": network.name,
        "versions": [version(network)],
        "platform": "onnx_onnxv1",
        "inputs": [_tensor(tensor) for tensor in signature.inputs],
        "outputs": [
            _tensor(tensor) | {"parameters": parameters[tensor.name]}
            for tensor in signature.outputs
        ],
        "parameters": {
            "sha256": network.sha256,
            "speakerIndependentUar": metadata.metrics.speaker_independent_uar,
            "protocol": metadata.metrics.protocol,
        },
    }


def model_configuration(network: Network, signature: Signature, rows: int) -> dict[str, Any]:
    """`GET /v2/models/{name}/config`: as much of Triton's model configuration as there is here."""
    return {
        "name": network.name,
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "max_batch_size": rows,
        "input": [_configured(tensor) for tensor in signature.inputs],
        "output": [_configured(tensor) for tensor in signature.outputs],
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}


def _configured(tensor: Tensor) -> dict[str, Any]:
    """Triton leaves the rows out where there is a largest batch, and writes one number as [1]."""
    return {
        "name": tensor.name,
        "data_type": f"TYPE_{tensor.datatype}",
        "dims": tensor.shape[1:] or (1,),
    }
