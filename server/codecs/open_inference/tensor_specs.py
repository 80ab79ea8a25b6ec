"""The input and output tensors of a network, named as in the Open Inference Protocol."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.codecs.prosody_ranges import ANYTHING, COLUMNS, Range, statistics_ranges
from server.models.files import VERSION_DIGITS
from server.models.network import Network
from server.models.predictors import OptionalInput, output_names

ANY_SIZE = -1  # a dimension of any size


@dataclass(frozen=True)
class TensorSpec:
    """The metadata of a tensor; a dimension of the shape may be `ANY_SIZE`.

    is_optional: whether zeros stand for an utterance without it, and all may be without it.
    ranges: of each column; none: any number is valid.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    is_optional: bool = False
    ranges: tuple[Range, ...] = ()

    def fits(self, shape: list[int]) -> bool:
        """Whether a tensor of that shape has the specified dimensions."""
        sizes = zip(self.shape, shape, strict=False)
        return len(shape) == len(self.shape) and all(s in (ANY_SIZE, given) for s, given in sizes)


@dataclass(frozen=True)
class ModelSignature:
    """The tensors of one network. The first input is required."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def model_signature(
    network: Network, n_mfcc: int, statistics: Sequence[str] = ()
) -> ModelSignature:
    """The tensors of the ONNX file, which was verified when it was loaded.

    statistics: the names of the prosody statistics that a vector network takes.
    """
    vectors = (TensorSpec("mfccs", "FP32", (ANY_SIZE, n_mfcc)),)
    frames = (
        TensorSpec("frames", "FP32", (ANY_SIZE, ANY_SIZE, n_mfcc)),
        TensorSpec("lengths", "INT64", (ANY_SIZE,)),
    )
    required = vectors if network.takes_vectors else frames
    optional = (_optional_spec(member, n_mfcc, statistics) for member in network.optional_inputs)
    probabilities = TensorSpec("probabilities", "FP32", (ANY_SIZE, len(network.metadata.labels)))
    distances = (
        TensorSpec(name, "FP32", (ANY_SIZE,)) for name in output_names(network.optional_inputs)[1:]
    )
    return ModelSignature((*required, *optional), (probabilities, *distances))


def _optional_spec(member: OptionalInput, n_mfcc: int, statistics: Sequence[str]) -> TensorSpec:
    sizes = (ANY_SIZE, ANY_SIZE) if member.per_frame else (ANY_SIZE,)
    if member.name == "baseline":  # of the means; spreads and clips are checked apart
        ranges = (*[ANYTHING] * n_mfcc, *COLUMNS)
    else:
        ranges = COLUMNS if member.per_frame else statistics_ranges(statistics)
    return TensorSpec(member.name, "FP32", (*sizes, member.width), is_optional=True, ranges=ranges)


def version(network: Network) -> str:
    """The version of the network: the start of its file's SHA-256."""
    return network.sha256[:VERSION_DIGITS]
