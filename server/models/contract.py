"""The feature contract between clients and networks, read from the extractor `mfcc.onnx`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from server.models.files import (
    EXTRACTOR_NAME,
    REFERENCE_NAME,
    ModelFileError,
    PublishedFile,
    read_file,
)
from server.models.mistakes import KnownMistakes
from server.models.onnx import OnnxModel, decode_metadata, open_model

EXTRACTOR_FORMAT = "speech-emotion-extractor/1"
PROBE_SAMPLES = 22_050


class Reference(msgspec.Struct):
    """The MFCCs of the reference clip, and the tolerance for a client's MFCCs of it."""

    sha256: str
    samples: int
    frames: int
    mfccs: list[float]
    tolerance: dict[str, float]  # largest absolute difference, by extractor output


@dataclass(frozen=True)
class FeatureContract:
    """The feature recipe that all clients and networks share."""

    recipe: dict[str, Any]
    extractor: PublishedFile  # the recipe as an ONNX graph
    reference: Reference
    reference_clip: PublishedFile
    known_mistakes: KnownMistakes
    prosody: dict[str, Any] | None = None  # its definition; None: these models have no prosody

    @property
    def n_mfcc(self) -> int:
        """Number of coefficients in a vector or frame."""
        return int(self.recipe["nMfcc"])

    @property
    def statistics(self) -> list[str]:
        """Names of the prosody statistics of a vector; none if there is no prosody."""
        return list(self.prosody["statistics"]) if self.prosody else []


def read_contract(directory: Path, maximum_file_bytes: int) -> FeatureContract:
    """Reads and verifies `mfcc.onnx` and `reference.wav` in the models directory.

    Raises:
        ModelFileError: a file is missing, cannot be loaded or does not match the other.
    """
    extractor = read_file(directory / EXTRACTOR_NAME, maximum_file_bytes)
    model = open_model(extractor.content, EXTRACTOR_FORMAT)
    if model.damage:
        raise ModelFileError(*model.damage)
    recipe = decode_metadata(model.metadata, "recipe", dict[str, Any])
    reference = decode_metadata(model.metadata, "reference", Reference)
    mistakes = decode_metadata(model.metadata, "mistakes", KnownMistakes)
    n_mfcc = recipe.get("nMfcc")
    if n_mfcc != len(reference.mfccs):
        raise ModelFileError(f"recipe: nMfcc is {n_mfcc!r}; expected {len(reference.mfccs)}")
    try:
        mistakes.check(n_mfcc)
    except ValueError as error:
        raise ModelFileError(f"metadata 'mistakes': {error}") from None
    _probe(model, n_mfcc)
    clip = _read_clip(directory / REFERENCE_NAME, maximum_file_bytes)
    if clip.sha256 != reference.sha256:
        raise ModelFileError(f"{REFERENCE_NAME} is not the clip whose SHA-256 the extractor has")
    return FeatureContract(recipe, extractor, reference, clip, mistakes)


def _read_clip(path: Path, maximum_bytes: int) -> PublishedFile:
    try:
        return read_file(path, maximum_bytes)
    except ModelFileError as error:
        raise ModelFileError(f"{path.name} {error}") from None


def _probe(model: OnnxModel, n_mfcc: int) -> None:
    """Checks that the extractor returns finite features for a second of noise."""
    audio = np.random.default_rng(0).uniform(-0.1, 0.1, PROBE_SAMPLES).astype(np.float32)
    try:
        frames, mfccs = model.session.run(["frames", "mfccs"], {"audio": audio})
    # NOTE: ONNX Runtime's exceptions share no base class but Exception.
    except Exception as error:  # noqa: BLE001
        raise ModelFileError(f"does not extract features: {error}") from None
    shapes = (frames.shape[1:], mfccs.shape)
    finite = np.isfinite(frames).all() and np.isfinite(mfccs).all()
    if shapes != ((n_mfcc,), (n_mfcc,)) or not finite:
        raise ModelFileError(
            f"has outputs of shapes {frames.shape} and {mfccs.shape}, finite: {finite}"
        )
