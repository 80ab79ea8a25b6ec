"""The input and output tensors of a network, named as in the Open Inference Protocol."""

from dataclasses import dataclass

from server.models.network import Network

ANY_SIZE = -1  # a dimension of any size
VERSION_DIGITS = 12


@dataclass(frozen=True)
class TensorSpec:
    """The metadata of a tensor; a dimension of the shape may be `ANY_SIZE`."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def fits(self, shape: list[int]) -> bool:
        """Whether a tensor of that shape has the specified dimensions."""
        sizes = zip(self.shape, shape, strict=False)
        return len(shape) == len(self.shape) and all(s in (ANY_SIZE, given) for s, given in sizes)


@dataclass(frozen=True)
class ModelSignature:
    """The tensors of one network. The first input is required."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def model_signature(network: Network, n_mfcc: int) -> ModelSignature:
    """The tensors of the ONNX file, which was verified when it was loaded."""
    vectors = (TensorSpec("mfccs", "FP32", (ANY_SIZE, n_mfcc)),)
    frames = (
        TensorSpec("frames", "FP32", (ANY_SIZE, ANY_SIZE, n_mfcc)),
        TensorSpec("lengths", "INT64", (ANY_SIZE,)),
    )
    inputs = vectors if network.takes_vectors else frames
    probabilities = TensorSpec("probabilities", "FP32", (ANY_SIZE, len(network.metadata.labels)))
    return ModelSignature(inputs, (probabilities, TensorSpec("distance", "FP32", (ANY_SIZE,))))


def version(network: Network) -> str:
    """The version of the network: the start of its file's SHA-256."""
    return network.sha256[:VERSION_DIGITS]
