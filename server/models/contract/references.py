"""Reference clips: audio whose features are known, so that a client can verify its own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from server.models.contract.mistakes import KnownMistakes
from server.models.contract.prosody_statistics import PROSODY_COLUMNS
from server.models.files import REFERENCE, ModelFileError, PublishedFile, read_file

OLD_REFERENCE = "reference"  # the name of the clip of `mfcc.onnx`
MOST_CHANNELS = 2  # clients refuse a handshake with more
MOST_SAMPLES = 2**31
MOST_TOLERANCES = 10
Row = Annotated[list[float], Meta(min_length=PROSODY_COLUMNS, max_length=PROSODY_COLUMNS)]


class ReferenceEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One reference clip in the metadata of the extractor for its sample rate.

    mistakes: None for the clip of `mfcc.onnx`, whose metadata has them.
    """

    name: str
    file: str
    sha256: str
    sample_rate: int
    channels: Annotated[int, Meta(ge=1, le=MOST_CHANNELS)]
    samples: Annotated[int, Meta(ge=1, le=MOST_SAMPLES)]
    frames: Annotated[int, Meta(ge=1, le=MOST_SAMPLES)]
    mfccs: list[float]
    prosody: list[Row]
    tolerance: Annotated[dict[str, float], Meta(max_length=MOST_TOLERANCES)]  # as in mfcc.onnx
    mistakes: KnownMistakes | None = None


@dataclass(frozen=True)
class ReferenceClip:
    """A reference clip with its features, and what they are with known mistakes.

    prosody: float (T, 3); None in models without extractors of prosody.
    """

    name: str
    sample_rate: int
    channels: int
    samples: int
    frames: int
    mfccs: list[float]
    prosody: list[list[float]] | None
    tolerance: dict[str, float]
    known_mistakes: KnownMistakes
    file: PublishedFile


def check_entry(entry: ReferenceEntry, sample_rate: int, n_mfcc: Any) -> None:
    """Checks an entry in the extractor for `sample_rate`.

    Raises:
        ModelFileError: names the entry and its first fault.
    """
    if not REFERENCE.fullmatch(entry.file) or entry.file != f"{entry.name}.wav":
        raise ModelFileError(
            f"references: the file of {entry.name!r} is {entry.file!r}; expected this name with "
            f".wav, which matches {REFERENCE.pattern}"
        )
    counts = (entry.sample_rate, len(entry.mfccs), len(entry.prosody))
    expected = (sample_rate, n_mfcc, entry.frames)
    if counts != expected:
        raise ModelFileError(
            f"references: {entry.name!r} has (sampleRate, mfccs, rows of prosody) {counts}; "
            f"expected {expected}"
        )
    if not (np.isfinite(entry.mfccs).all() and np.isfinite(entry.prosody).all()):
        raise ModelFileError(f"references: {entry.name!r} has features that are not finite")
    if entry.mistakes:
        try:
            entry.mistakes.check(n_mfcc)
        except ValueError as error:
            raise ModelFileError(f"references: {entry.name!r}: mistakes: {error}") from None


def read_clip(path: Path, sha256: str, maximum_bytes: int) -> PublishedFile:
    """Reads the audio of a reference clip.

    Raises:
        ModelFileError: names the file, which cannot be read or has another SHA-256.
    """
    try:
        file = read_file(path, maximum_bytes)
    except ModelFileError as error:
        raise ModelFileError(f"{path.name} {error}") from None
    if file.sha256 != sha256:
        raise ModelFileError(f"{path.name} is not the clip whose SHA-256 the extractor has")
    return file
