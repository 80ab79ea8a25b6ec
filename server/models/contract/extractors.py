"""Extractors of features from recordings at one sample rate each, `extractor-RATE.onnx`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import onnxruntime as ort
from msgspec import Meta
from numpy.typing import NDArray

from server.models.contract.metadata import FORMAT, read_metadata
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

INPUT = "audio"
OUTPUTS = ("frames", "mfccs", "prosody", "prosody_statistics")
PROBE_CHANNELS = (1, 2)
COLUMNS = ["logF0", "voicing", "level"]  # of prosody
# What clients accept: one that meets more refuses the handshake, and so every prediction.
LOWEST_RATE, HIGHEST_RATE = 8_000, 96_000  # Hz
MOST_EXTRACTORS = 32
MOST_REFERENCES = 15  # beside that of `mfcc.onnx`
LONGEST_METADATA = 8_192  # bytes of each JSON text in the handshake


class Recording(msgspec.Struct, frozen=True, rename="camel"):
    """How a recording becomes mono audio at the recipe's sample rate.

    resampling: the stages of the filter; none for the recipe's own rate.
    """

    sample_rate: Annotated[int, Meta(ge=LOWEST_RATE, le=HIGHEST_RATE)]
    downmix: str
    resampling: list[dict[str, int | float]]


_Name = Annotated[str, Meta(min_length=1, max_length=100)]


class _Prosody(msgspec.Struct, rename="camel"):
    """The part of the metadata `prosody` that the server or its clients use."""

    reference_hz: Annotated[float, Meta(ge=1, le=1_000)]
    unvoiced: Annotated[float, Meta(ge=0, le=0)]
    level_minimum: Annotated[float, Meta(ge=-1_000, le=0)]
    columns: list[str]
    statistics: Annotated[list[_Name], Meta(min_length=1, max_length=MOST_STATISTICS)]


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
    metadata = read_metadata(file.content)
    _check_lengths(metadata)
    recording = _read_recording(metadata, path)
    n_mfcc = _read_recipe(metadata, recipe).get("nMfcc")
    prosody = decode_metadata(metadata, "prosody", dict[str, Any])
    statistics = _read_statistics(metadata)
    entries = decode_metadata(metadata, "references", tuple[ReferenceEntry, ...])
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


def _read_recording(metadata: Mapping[str, str], path: Path) -> Recording:
    recording = decode_metadata(metadata, "recording", Recording)
    rate = recording.sample_rate
    if path.name != f"extractor-{rate}.onnx":
        raise ModelFileError(f"is for {rate} Hz; expected the name extractor-{rate}.onnx")
    return recording


def _read_recipe(metadata: Mapping[str, str], expected: Mapping[str, Any] | None) -> dict[str, Any]:
    recipe = decode_metadata(metadata, "recipe", dict[str, Any])
    if expected is not None and recipe != expected:
        raise ModelFileError("was made for another feature recipe than mfcc.onnx")
    return recipe


def _check_lengths(metadata: Mapping[str, str]) -> None:
    """Checks what the handshake repeats."""
    for key in ("recording", "prosody"):
        if (found := len(metadata.get(key, "").encode())) > LONGEST_METADATA:
            raise ModelFileError(
                f"metadata {key!r} has {found:,} bytes; expected at most {LONGEST_METADATA:,}"
            )


def _read_statistics(metadata: Mapping[str, str]) -> list[str]:
    """The names of the prosody statistics."""
    prosody = decode_metadata(metadata, "prosody", _Prosody)
    if prosody.columns != COLUMNS:
        raise ModelFileError(
            f"metadata 'prosody': columns are {prosody.columns}; expected {COLUMNS}"
        )
    if len(set(prosody.statistics)) < len(prosody.statistics):
        raise ModelFileError("metadata 'prosody': a name of the statistics occurs twice")
    return prosody.statistics


def _probe(session: ort.InferenceSession, rate: int, n_mfcc: Any, statistics: int) -> None:
    """Checks the features of a second of noise, mono and stereo."""
    names = ([i.name for i in session.get_inputs()], [o.name for o in session.get_outputs()])
    if names != ([INPUT], [*OUTPUTS]):
        raise ModelFileError(f"inputs and outputs are {names}; expected {([INPUT], [*OUTPUTS])}")
    random = np.random.default_rng(0)
    for channels in PROBE_CHANNELS:
        audio = random.uniform(-0.1, 0.1, (rate, channels)).astype(np.float32)
        outputs = _run(session, audio)
        count = len(outputs[0]) if outputs[0].ndim else 0
        shapes = [output.shape for output in outputs]
        expected = [(count, n_mfcc), (n_mfcc,), (count, PROSODY_COLUMNS), (statistics,)]
        finite = all(np.isfinite(output).all() for output in outputs)
        if shapes != expected or not (count and finite):
            raise ModelFileError(
                f"has outputs of shapes {shapes} for {channels} channels, finite: {finite}; "
                f"expected {expected} with at least one frame"
            )


def _run(session: ort.InferenceSession, audio: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The outputs for audio (samples, channels)."""
    try:
        outputs: list[NDArray[np.float32]] = session.run(list(OUTPUTS), {INPUT: audio})
    # NOTE: ONNX Runtime's exceptions share no base class but Exception.
    except Exception as error:  # noqa: BLE001
        channels = audio.shape[1]
        raise ModelFileError(f"does not extract features of {channels} channels: {error}") from None
    return outputs


def check_shared(
    extractor: RecordingExtractor, others: Mapping[str, RecordingExtractor], old_sha256: str | None
) -> None:
    """Checks what the extractors of a models directory have in common.

    others: those read before, by file name.
    old_sha256: of `reference.wav`; None: not compared, since `mfcc.onnx` has a fault.

    Raises:
        ModelFileError: another prosody, a reference clip of the same name, or too many of them.
    """
    if len(others) >= MOST_EXTRACTORS:
        raise ModelFileError(f"is one extractor too many; expected at most {MOST_EXTRACTORS}")
    names = [entry.name for entry in extractor.references]
    for file, other in others.items():
        if extractor.prosody != other.prosody:
            raise ModelFileError(f"metadata 'prosody' differs from that of {file}")
        names += [entry.name for entry in other.references]
    if len(set(names)) < len(names):
        raise ModelFileError(f"references: a name occurs twice in {sorted(names)}")
    if len({*names} - {OLD_REFERENCE}) > MOST_REFERENCES:
        raise ModelFileError(
            f"references: {len(names)} with those of other files; expected at most "
            f"{MOST_REFERENCES} beside {OLD_REFERENCE!r}"
        )
    for entry in extractor.references:
        is_old = entry.name == OLD_REFERENCE
        if is_old and old_sha256 not in (None, entry.sha256):
            raise ModelFileError(f"references: {entry.name!r} is another clip than in mfcc.onnx")
        if entry.mistakes is None and not is_old:
            raise ModelFileError(f"references: {entry.name!r} lacks 'mistakes'")
