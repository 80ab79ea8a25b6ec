"""Writes `models/mfcc.onnx`, the extractor for clients, after comparing it with librosa."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import onnx
import onnx.helper
import onnxruntime
from tqdm import tqdm

from configuration import ROOT
from training.arrays import Float32
from training.contract.fingerprints import catalogue
from training.contract.recording_mistakes import table
from training.contract.reference import FILE_NAME as REFERENCE_NAME
from training.contract.reference import Pcm, as_audio, reference_samples, wav
from training.corpora.union import Corpora
from training.errors import UserError
from training.export.checksum import with_checksum
from training.export.session import single_threaded
from training.features.graph import extractor_graph
from training.features.loading import load_audio
from training.features.mfcc import extract_frames, pool
from training.features.recipe import RECIPE
from training.storage.atomic_write import write_bytes

FORMAT = "speech-emotion-extractor/1"
FILE_NAME = "mfcc.onnx"
MAXIMUM_BYTES = 1_000_000
MISTAKES_PATH = ROOT / "docs" / "feature-mistakes.md"

# Greatest differences from librosa, in the units of the coefficients.
FRAMES_TOLERANCE = 0.02
VECTOR_TOLERANCE = 0.01


class ExtractorError(UserError):
    """A graph that disagrees with librosa; the message names the signal and the difference."""


@dataclass(frozen=True)
class Signal:
    """Audio to compare on, float32 (samples,), mono at the recipe's sample rate."""

    name: str
    audio: Float32


@dataclass(frozen=True)
class Agreement:
    """The greatest absolute differences from librosa over a number of signals."""

    signals: int
    frames: float
    vectors: float


@dataclass(frozen=True)
class Extractor:
    """The graph in ONNX Runtime, on one thread."""

    session: onnxruntime.InferenceSession

    @classmethod
    def load(cls, model: bytes) -> "Extractor":
        """Loads the content of an ONNX file."""
        return cls(single_threaded(model))

    def extract(self, audio: Float32) -> tuple[Float32, Float32]:
        """Audio float32 (samples,) to frames float32 (T, 25) and their mean, float32 (25,)."""
        frames, mfccs = self.session.run(["frames", "mfccs"], {"audio": audio})
        return np.asarray(frames), np.asarray(mfccs)


def edge_signals() -> Iterator[Signal]:
    """Signals that test the limits of framing, trimming, floors and rounding."""
    rate = RECIPE.sample_rate
    noise = np.random.default_rng(0).normal(0, 0.1, 60 * rate).astype(np.float32)
    seconds = np.arange(rate, dtype=np.float32) / rate
    square = np.where(np.sin(2 * np.pi * 220 * seconds) < 0, -1, 1).astype(np.float32)
    click = np.zeros(rate, np.float32)
    click[rate // 2] = 1
    yield Signal("0.1 s of noise", noise[: rate // 10])
    yield Signal("60 s of noise", noise)
    yield Signal("a burst in 3 s of faint noise", noise[: 3 * rate] * _burst(3 * rate))
    yield Signal("digital silence", np.zeros(rate, np.float32))
    yield Signal("noise under the amin of decibels", noise[:rate] * np.float32(1e-6))
    yield Signal("one click", click)
    yield Signal("full-scale square wave", square)
    yield Signal("direct current", np.ones(rate, np.float32))


def _burst(samples: int) -> Float32:
    envelope = np.full(samples, 1e-3, np.float32)
    envelope[samples // 3 : samples // 2] = 1
    return envelope


def corpus_signals(corpora: Corpora) -> Iterator[Signal]:
    """Every recording of a corpus, with a progress bar.

    Raises:
        UnusableAudioError: one of them cannot be read as audio.
    """
    for utterance in tqdm(
        corpora.utterances, desc="comparing with librosa", unit="clip", disable=None
    ):
        yield Signal(utterance.path.name, load_audio(utterance.path))


def compare(extractor: Extractor, signals: Iterable[Signal]) -> Agreement:
    """Compares the graph with librosa, signal by signal.

    Raises:
        ExtractorError: they differ by more than the tolerances; the message names the signal.
    """
    frames_errors, vector_errors = [0.0], [0.0]
    for signal in signals:
        frames, mfccs = extractor.extract(signal.audio)
        expected = extract_frames(signal.audio)
        if frames.shape != expected.shape:
            raise ExtractorError(f"{signal.name}: {frames.shape} frames; librosa {expected.shape}")
        frames_errors.append(largest_difference(signal.name, frames, expected, FRAMES_TOLERANCE))
        vector = pool(expected)
        vector_errors.append(largest_difference(signal.name, mfccs, vector, VECTOR_TOLERANCE))
    return Agreement(len(frames_errors) - 1, max(frames_errors), max(vector_errors))


def largest_difference(name: str, actual: Float32, expected: Float32, limit: float) -> float:
    """The greatest absolute difference; raises ExtractorError where it is above the limit."""
    difference = float(np.abs(actual - expected).max())
    if not difference <= limit:  # also where the difference is NaN
        raise ExtractorError(f"{name}: {difference} from librosa; expected at most {limit}")
    return difference


def build_extractor(directory: Path, signals: Iterable[Signal]) -> Agreement:
    """Writes `mfcc.onnx` and `reference.wav` to a directory, if the graph agrees with librosa.

    Raises:
        ExtractorError: the graph and librosa disagree on one of the signals, or the file
            is too large; nothing is written.
    """
    graph = extractor_graph()
    samples = reference_samples()
    clip = wav(samples)
    agreement = compare(
        Extractor.load(graph.SerializeToString()),
        chain([Signal(REFERENCE_NAME, as_audio(samples))], signals),
    )
    onnx.helper.set_model_props(graph, _metadata(samples, clip))
    model = with_checksum(graph)
    if len(model) > MAXIMUM_BYTES:
        raise ExtractorError(f"{FILE_NAME}: {len(model)} bytes; expected at most {MAXIMUM_BYTES}")
    write_bytes(directory / REFERENCE_NAME, clip)
    write_bytes(directory / FILE_NAME, model)
    return agreement


def _metadata(samples: Pcm, clip: bytes) -> dict[str, str]:
    """The `metadata_props` that the server passes on to clients."""
    audio = as_audio(samples)
    frames = extract_frames(audio)
    mistakes = catalogue(audio.astype(np.float64))
    reference = {
        "sha256": hashlib.sha256(clip).hexdigest(),
        "samples": len(samples),
        "frames": len(frames),
        "mfccs": [round(float(value), 4) for value in pool(frames)],
        "tolerance": {"mfccs": mistakes["right"]["tolerance"]},
    }
    values = {"recipe": RECIPE.as_json(), "reference": reference, "mistakes": mistakes}
    texts = {key: json.dumps(value, separators=(",", ":")) for key, value in values.items()}
    return {"format": FORMAT, **texts}


def run(directory: Path, corpora: Corpora) -> str:
    """`python -m training extractor`: writes the files and a table; returns a summary.

    Raises:
        ExtractorError: see `build_extractor`.
    """
    agreement = build_extractor(directory, chain(edge_signals(), corpus_signals(corpora)))
    write_bytes(MISTAKES_PATH, table().encode())
    return (
        f"{directory / FILE_NAME}: within {agreement.frames:.4f} of librosa in every frame and "
        f"{agreement.vectors:.4f} in every mean, over {agreement.signals} signals"
    )
