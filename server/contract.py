"""What a client must compute, read from the extractor that the models were trained with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from server.onnx_files import ModelFileError, PublishedFile, open_model, read_file
from server.verification import KnownMistakes

T = TypeVar("T")

EXTRACTOR_NAME = "mfcc.onnx"
EXTRACTOR_FORMAT = "speech-emotion-extractor/1"


REFERENCE_NAME = "reference.wav"


class Reference(msgspec.Struct):
    """What the recipe gives for the reference clip, and how far a client may be from it."""

    sha256: str
    samples: int
    frames: int
    mfccs: list[float]
    tolerance: dict[str, float]  # largest absolute difference, by output of the extractor


@dataclass(frozen=True)
class FeatureContract:
    """The feature recipe that every client and every network here agree on."""

    recipe: dict[str, Any]
    extractor: PublishedFile  # the recipe as an ONNX graph
    reference: Reference
    reference_clip: PublishedFile
    known_mistakes: KnownMistakes

    @property
    def n_mfcc(self) -> int:
        """Coefficients in one vector or frame."""
        return int(self.recipe["nMfcc"])


def read_contract(directory: Path) -> FeatureContract:
    """Reads `mfcc.onnx` and `reference.wav` in the models' directory.

    Raises:
        ModelFileError: a file is missing, cannot be loaded or does not fit the other.
    """
    extractor = read_file(directory / EXTRACTOR_NAME)
    metadata = open_model(extractor.content, EXTRACTOR_FORMAT).metadata
    recipe = _decode(metadata, "recipe", dict[str, Any])
    reference = _decode(metadata, "reference", Reference)
    mistakes = _decode(metadata, "mistakes", KnownMistakes)
    n_mfcc = recipe.get("nMfcc")
    if n_mfcc != len(reference.mfccs):
        raise ModelFileError(f"recipe: nMfcc is {n_mfcc!r}; expected {len(reference.mfccs)}")
    clip = read_file(directory / REFERENCE_NAME)
    if clip.sha256 != reference.sha256:
        raise ModelFileError(f"{REFERENCE_NAME} is not the clip that the extractor names")
    return FeatureContract(recipe, extractor, reference, clip, mistakes)


def _decode(metadata: dict[str, str], key: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(metadata.get(key, ""), type=kind)
    except msgspec.DecodeError as error:
        raise ModelFileError(f"metadata {key!r}: {error}") from None
