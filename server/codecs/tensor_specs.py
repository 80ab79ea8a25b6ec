"""The tensors that go into a network and come out of it, by the protocol's names."""

from dataclasses import dataclass

from server.models.network import Network

FREE = -1  # a dimension of any size
VERSION_DIGITS = 12


@dataclass(frozen=True)
class Tensor:
    """What the protocol calls a tensor's metadata."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def fits(self, shape: list[int]) -> bool:
        """Whether a tensor of that shape may stand for it."""
        sizes = zip(self.shape, shape, strict=False)
        return len(shape) == len(self.shape) and all(s in (FREE, given) for s, given in sizes)


@dataclass(frozen=True)
class Signature:
    """The tensors of one network; of the inputs the first must be given."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def signature(network: Network, n_mfcc: int) -> Signature:
    """Those of the ONNX file, which the server verified when it loaded it."""
    vectors = (Tensor("mfccs", "FP32", (FREE, n_mfcc)),)
    frames = (
        Tensor("frames", "FP32", (FREE, FREE, n_mfcc)),
        Tensor("lengths", "INT64", (FREE,)),
    )
    inputs = vectors if network.takes_vectors else frames
    probabilities = Tensor("probabilities", "FP32", (FREE, len(network.metadata.labels)))
    return Signature(inputs, (probabilities, Tensor("distance", "FP32", (FREE,))))


def version(network: Network) -> str:
    """Which file this is: the start of its SHA-256, so that it changes whenever the file does."""
    return network.sha256[:VERSION_DIGITS]
