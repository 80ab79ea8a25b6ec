"""The feature contract between clients and networks, read from `mfcc.onnx`.

Extractors of recordings, `extractor-RATE.onnx`, extend it; models without them have none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from server.models.contract.extractors import RecordingExtractor
from server.models.contract.metadata import EXTRACTOR_FORMAT
from server.models.contract.mistakes import KnownMistakes
from server.models.contract.references import OLD_REFERENCE, ReferenceClip, read_clip
from server.models.files import (
    EXTRACTOR_NAME,
    REFERENCE_NAME,
    ModelFileError,
    PublishedFile,
    read_file,
)
from server.models.onnx import OnnxModel, decode_metadata, open_model

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
    """The feature recipe that all clients and networks share.

    prosody: the definition of prosody, as in the metadata of the extractors; `statistics` are the
        names of the pooled numbers. None: these models have no prosody.
    recordings: the extractors of recordings, by sample rate.
    references: every reference clip, that of `mfcc.onnx` first.
    """

    recipe: dict[str, Any]
    extractor: PublishedFile  # the recipe as an ONNX graph
    reference: Reference
    reference_clip: PublishedFile
    known_mistakes: KnownMistakes
    references: tuple[ReferenceClip, ...]
    prosody: dict[str, Any] | None = None
    recordings: tuple[RecordingExtractor, ...] = ()

    @property
    def n_mfcc(self) -> int:
        """Number of coefficients in a vector or frame."""
        return int(self.recipe["nMfcc"])

    @property
    def statistics(self) -> list[str]:
        """Names of the prosody statistics of a vector; none if there is no prosody."""
        return list(self.prosody["statistics"]) if self.prosody else []

    def extended(self, extractors: Sequence[RecordingExtractor]) -> "FeatureContract":
        """The contract with extractors of recordings, which have passed verification."""
        if not extractors:
            return self
        by_rate = sorted(extractors, key=lambda extractor: extractor.recording.sample_rate)
        clips = [
            clip for extractor in by_rate for clip in extractor.reference_clips(self.known_mistakes)
        ]
        first = next((clip for clip in clips if clip.name == OLD_REFERENCE), self.references[0])
        others = (clip for clip in clips if clip.name != OLD_REFERENCE)
        return replace(
            self,
            prosody=by_rate[0].prosody,
            recordings=tuple(by_rate),
            references=(first, *others),
        )


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
    clip = read_clip(directory / REFERENCE_NAME, reference.sha256, maximum_file_bytes)
    first = _reference_clip(recipe, reference, mistakes, clip)
    return FeatureContract(recipe, extractor, reference, clip, mistakes, (first,))


def _reference_clip(
    recipe: dict[str, Any], reference: Reference, mistakes: KnownMistakes, clip: PublishedFile
) -> ReferenceClip:
    """The clip of `mfcc.onnx`, mono at the recipe's sample rate, without prosody."""
    return ReferenceClip(
        name=OLD_REFERENCE,
        sample_rate=int(recipe.get("sampleRate", 0)),
        channels=1,
        samples=reference.samples,
        frames=reference.frames,
        mfccs=reference.mfccs,
        prosody=None,
        tolerance=reference.tolerance,
        known_mistakes=mistakes,
        file=clip,
    )


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
