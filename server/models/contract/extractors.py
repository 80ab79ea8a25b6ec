"""Extractors of features from recordings at one sample rate each, `extractor-RATE.onnx`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import onnxruntime as ort
from msgspec import Meta

from server.models.contract.metadata import read_metadata
from server.models.contract.mistakes import KnownMistakes
from server.models.contract.prosody_statistics import MOST_STATISTICS, PROSODY_COLUMNS
from server.models.contract.references import (
    OLD_REFERENCE,
    ReferenceClip,
    ReferenceEntry,
    check_entry,
    read_clip,
)
from server.models.files import ModelFileError, PublishedFile, read_file
from server.models.onnx import decode_metadata, open_model

FORMAT = "speech-emotion-extractor/2"
INPUT = "audio"
OUTPUTS = ("frames", "mfccs", "prosody", "prosody_statistics")
PROBE_CHANNELS = (1, 2)
HIGHEST_RATE = 768_000  # Hz


class Recording(msgspec.Struct, frozen=True, rename="camel"):
    """How a recording becomes mono audio at the recipe's sample rate.

    resampling: the stages of the filter; none for the recipe's own rate.
    """

    sample_rate: Annotated[int, Meta(ge=1, le=HIGHEST_RATE)]
    downmix: str
    resampling: list[dict[str, int | float]]


class _Prosody(msgspec.Struct, rename="camel"):
    """The part of the metadata `prosody` that the server uses."""

    reference_hz: Annotated[float, Meta(gt=0)]
    unvoiced: Annotated[float, Meta(ge=0, le=0)]
    columns: Annotated[list[str], Meta(min_length=PROSODY_COLUMNS, max_length=PROSODY_COLUMNS)]
    statistics: Annotated[list[str], Meta(min_length=1, max_length=MOST_STATISTICS)]


@dataclass(frozen=True)
class RecordingExtractor:
    """A verified extractor.

    prosody: the definition of its prosody, which all extractors of a models directory share.
    """

    recording: Recording
    prosody: dict[str, Any]
    references: tuple[ReferenceEntry, ...]
    clips: Mapping[str, PublishedFile]  # by the reference's name
    file: PublishedFile

    def reference_clips(self, known_mistakes: KnownMistakes) -> tuple[ReferenceClip, ...]:
        """Its reference clips; `known_mistakes` apply to those without their own."""
        return tuple(
            ReferenceClip(
                entry.name,
                entry.sample_rate,
                entry.channels,
                entry.samples,
                entry.frames,
                entry.mfccs,
                entry.prosody,
                entry.tolerance,
                entry.mistakes or known_mistakes,
                self.clips[entry.name],
            )
            for entry in self.references
        )


def read_extractor(
    path: Path,
    recipe: Mapping[str, Any] | None,
    maximum_file_bytes: int,
    *,
    run: bool = True,
) -> RecordingExtractor:
    """Reads and verifies an extractor and its reference clips.

    recipe: of `mfcc.onnx`; None: not compared, since that file has a fault.
    run: whether the graph is tried too.

    Raises:
        ModelFileError: gives the first fault and the expected value.
    """
    file = read_file(path, maximum_file_bytes)
    metadata = read_metadata(file.content, FORMAT)
    recording = decode_metadata(metadata, "recording", Recording)
    if path.name != f"extractor-{recording.sample_rate}.onnx":
        rate = recording.sample_rate
        raise ModelFileError(f"is for {rate} Hz; expected the name extractor-{rate}.onnx")
    own_recipe = decode_metadata(metadata, "recipe", dict[str, Any])
    if recipe is not None and own_recipe != recipe:
        raise ModelFileError("was made for another feature recipe than mfcc.onnx")
    prosody = decode_metadata(metadata, "prosody", dict[str, Any])
    statistics = decode_metadata(metadata, "prosody", _Prosody).statistics
    entries = decode_metadata(metadata, "references", tuple[ReferenceEntry, ...])
    n_mfcc = own_recipe.get("nMfcc")
    for entry in entries:
        check_entry(entry, recording.sample_rate, n_mfcc)
    clips = {
        entry.name: read_clip(path.with_name(entry.file), entry.sha256, maximum_file_bytes)
        for entry in entries
    }
    if run:
        session = open_model(file.content, FORMAT).session
        _probe(session, recording.sample_rate, n_mfcc, len(statistics))
    return RecordingExtractor(recording, prosody, entries, clips, file)


def _probe(session: ort.InferenceSession, rate: int, n_mfcc: Any, statistics: int) -> None:
    """Checks the features of a second of noise, mono and stereo."""
    names = ([i.name for i in session.get_inputs()], [o.name for o in session.get_outputs()])
    if names != ([INPUT], [*OUTPUTS]):
        raise ModelFileError(f"inputs and outputs are {names}; expected {([INPUT], [*OUTPUTS])}")
    random = np.random.default_rng(0)
    for channels in PROBE_CHANNELS:
        audio = random.uniform(-0.1, 0.1, (rate, channels)).astype(np.float32)
        try:
            outputs = session.run(list(OUTPUTS), {INPUT: audio})
        # NOTE: ONNX Runtime's exceptions share no base class but Exception.
        except Exception as error:  # noqa: BLE001
            raise ModelFileError(
                f"does not extract features of {channels} channels: {error}"
            ) from None
        count = len(outputs[0]) if outputs[0].ndim else 0
        shapes = [output.shape for output in outputs]
        expected = [(count, n_mfcc), (n_mfcc,), (count, PROSODY_COLUMNS), (statistics,)]
        finite = all(np.isfinite(output).all() for output in outputs)
        if shapes != expected or not (count and finite):
            raise ModelFileError(
                f"has outputs of shapes {shapes} for {channels} channels, finite: {finite}; "
                f"expected {expected} with at least one frame"
            )


def check_shared(
    extractor: RecordingExtractor, others: Mapping[str, RecordingExtractor], old_sha256: str | None
) -> None:
    """Checks what the extractors of a models directory have in common.

    others: those read before, by file name.
    old_sha256: of `reference.wav`; None: not compared, since `mfcc.onnx` has a fault.

    Raises:
        ModelFileError: another prosody, or a reference clip of the same name.
    """
    names = [entry.name for entry in extractor.references]
    for file, other in others.items():
        if extractor.prosody != other.prosody:
            raise ModelFileError(f"metadata 'prosody' differs from that of {file}")
        names += [entry.name for entry in other.references]
    if len(set(names)) < len(names):
        raise ModelFileError(f"references: a name occurs twice in {sorted(names)}")
    for entry in extractor.references:
        is_old = entry.name == OLD_REFERENCE
        if is_old and old_sha256 not in (None, entry.sha256):
            raise ModelFileError(f"references: {entry.name!r} is another clip than in mfcc.onnx")
        if entry.mistakes is None and not is_old:
            raise ModelFileError(f"references: {entry.name!r} lacks 'mistakes'")
