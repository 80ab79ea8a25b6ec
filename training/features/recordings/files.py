"""Writes the extractors for recordings, after comparing each with librosa at its sample rate."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from tqdm import tqdm

from training.arrays import Float32
from training.corpora.union import Corpora
from training.export.checksum import with_checksum
from training.export.session import single_threaded
from training.features.extractor import (
    FRAMES_TOLERANCE,
    VECTOR_TOLERANCE,
    Agreement,
    ExtractorError,
    Signal,
    edge_signals,
    largest_difference,
)
from training.features.loading import load_audio
from training.features.mfcc import extract_frames, pool
from training.features.prosody import extract_prosody
from training.features.recipe import RECIPE
from training.features.recording_graph import recording_graph
from training.features.recordings.metadata import ReferenceClip, metadata
from training.features.recordings.references import reference_clips
from training.features.recordings.soxr import at_rate
from training.features.recordings.statistics import prosody_statistics
from training.features.resampling import RATES
from training.storage.atomic_write import write_bytes

MAXIMUM_BYTES = 2_000_000  # all files together
EVERY = 60  # of so many recordings of the corpus, one is compared at each sample rate

LEVEL_TOLERANCE = 0.01  # dB
PROSODY_TOLERANCE = 0.01  # octaves, or degree of voicing
# Where two peaks are equally high, rounding decides which is the pitch.
OTHER_PITCHES = 0.02  # share of the frames, or one frame
STATISTICS_TOLERANCE = 1e-3  # from those of the graph's own prosody


@dataclass(frozen=True)
class Recording:
    """Audio to compare on, float32 (samples, channels), at some sample rate."""

    name: str
    audio: Float32


@dataclass(frozen=True)
class RecordingFeatures:
    """The outputs of the graph: (T, 25), (25,), (T, 3), (16,)."""

    frames: Float32
    mfccs: Float32
    prosody: Float32
    statistics: Float32


@dataclass(frozen=True)
class RecordingExtractor:
    """The graph of one sample rate in ONNX Runtime, on one thread."""

    session: onnxruntime.InferenceSession

    @classmethod
    def load(cls, model: bytes) -> "RecordingExtractor":
        """Loads the content of an ONNX file."""
        return cls(single_threaded(model))

    def extract(self, audio: Float32) -> RecordingFeatures:
        """The features of audio float32 (samples, channels)."""
        names = ["frames", "mfccs", "prosody", "prosody_statistics"]
        return RecordingFeatures(*map(np.asarray, self.session.run(names, {"audio": audio})))


def file_name(rate: int) -> str:
    """The name of the file for a sample rate in Hz."""
    return f"extractor-{rate}.onnx"


def recordings(signals: Iterable[Signal], rate: int) -> Iterator[Recording]:
    """Each signal, mono at the recipe's rate, as a recording at another rate: mono, and stereo.

    The second channel is softer and later: the two neither equal nor cancel each other.
    """
    for signal in signals:
        audio = at_rate(signal.audio, RECIPE.sample_rate, rate)
        stereo = np.stack([audio, 0.5 * np.roll(audio, 5)], axis=1).astype(np.float32)
        yield Recording(f"{signal.name} at {rate} Hz", audio[:, None])
        yield Recording(f"{signal.name} at {rate} Hz, stereo", stereo)


def compare(extractor: RecordingExtractor, rate: int, compared: Iterable[Recording]) -> Agreement:
    """Compares the graph with librosa and with the NumPy reference of prosody.

    Raises:
        ExtractorError: they differ by more than the tolerances; the message names the recording.
    """
    frames_errors, vector_errors = [0.0], [0.0]
    for recording in compared:
        name = recording.name
        actual = extractor.extract(recording.audio)
        mono = at_rate(recording.audio.mean(axis=1), rate, RECIPE.sample_rate)
        frames = extract_frames(mono)
        if actual.frames.shape != frames.shape:
            raise ExtractorError(f"{name}: {actual.frames.shape} frames; librosa {frames.shape}")
        frames_errors.append(largest_difference(name, actual.frames, frames, FRAMES_TOLERANCE))
        vector = pool(frames)
        vector_errors.append(largest_difference(name, actual.mfccs, vector, VECTOR_TOLERANCE))
        compare_prosody(name, actual, extract_prosody(mono))
    return Agreement(len(frames_errors) - 1, max(frames_errors), max(vector_errors))


def compare_prosody(name: str, actual: RecordingFeatures, expected: Float32) -> None:
    """Raises ExtractorError if the prosody is not the expected, or the statistics not its own."""
    difference = np.abs(actual.prosody - expected)
    if not difference[:, 2].max() <= LEVEL_TOLERANCE:
        raise ExtractorError(
            f"{name}: level {difference[:, 2].max()} dB from the reference; "
            f"expected at most {LEVEL_TOLERANCE}"
        )
    others = int((~(difference[:, :2].max(axis=1) <= PROSODY_TOLERANCE)).sum())
    if others > max(1, OTHER_PITCHES * len(expected)):
        raise ExtractorError(
            f"{name}: another pitch or voicing in {others} of {len(expected)} frames; "
            f"expected at most {OTHER_PITCHES:.0%}"
        )
    statistics = prosody_statistics(actual.prosody)
    largest_difference(
        f"{name}, statistics of prosody", actual.statistics, statistics, STATISTICS_TOLERANCE
    )


def build_recording_extractors(
    directory: Path,
    references: Sequence[ReferenceClip],
    signals: Sequence[Signal],
    rates: Sequence[int] = RATES,
) -> dict[int, Agreement]:
    """Writes `extractor-RATE.onnx` and the clips of the references to a directory.

    Args:
        directory: the folder of the models.
        references: the clips, each of which goes into the file of its sample rate.
        signals: audio at the recipe's rate, on which the graphs are compared with librosa.
        rates: sample rates in Hz, of `training.features.resampling.RATES`.

    Raises:
        ExtractorError: a graph disagrees on one of the signals, or the files are too large;
            nothing is written.
    """
    agreements, files = {}, {}
    for rate in tqdm(rates, desc="extractors for recordings", unit="rate", disable=None):
        graph = recording_graph(rate)
        extractor = RecordingExtractor.load(graph.SerializeToString())
        agreements[rate] = compare(extractor, rate, recordings(signals, rate))
        own = [reference for reference in references if reference.sample_rate == rate]
        onnx.helper.set_model_props(graph, metadata(rate, own))
        files[file_name(rate)] = with_checksum(graph)
    if (total := sum(map(len, files.values()))) > MAXIMUM_BYTES:
        raise ExtractorError(f"{total} bytes in all files; expected at most {MAXIMUM_BYTES}")
    clips = {reference.file: reference.content for reference in references}
    for name, content in chain(clips.items(), files.items()):
        write_bytes(directory / name, content)
    return agreements


def run(directory: Path, corpora: Corpora) -> str:
    """The second part of `python -m training extractor`; returns a summary.

    Raises:
        ExtractorError: see `build_recording_extractors`.
    """
    paths = [utterance.path for utterance in corpora.utterances[::EVERY]]
    speech = [Signal(path.name, load_audio(path)) for path in paths]
    signals = [*edge_signals(), *speech]
    agreements = build_recording_extractors(directory, reference_clips(), signals)
    return "\n".join(
        f"{directory / file_name(rate)}: within {agreement.frames:.4f} in every frame and "
        f"{agreement.vectors:.4f} in every mean, over {agreement.signals} recordings"
        for rate, agreement in agreements.items()
    )
