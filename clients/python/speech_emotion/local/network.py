"""Runs a network's file in a process with limited rights."""

import json
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray
from speech_emotion_worker import pipes, tensors
from speech_emotion_worker.external_data import RefusedModelError
from speech_emotion_worker.metadata import input_names, read_metadata

from speech_emotion import answers
from speech_emotion.answers import Prediction
from speech_emotion.audio import Float32
from speech_emotion.contract import (
    ANOTHER_VOICE,
    OUTSIDE_TRAINING,
    PROSODY_COLUMNS,
    NetworkDescription,
)
from speech_emotion.errors import ExtractorError
from speech_emotion.extraction.features import FLOAT_BYTES, Features
from speech_emotion.extraction.worker import Worker
from speech_emotion.limits import Limits
from speech_emotion.prediction.tensors import baseline_row
from speech_emotion.profiles.baseline import Baseline

DETAILS = {
    OUTSIDE_TRAINING: "The input lies outside what the network was trained on.",
    ANOTHER_VOICE: "The profile seems to be of another voice or microphone.",
}
MOST_EMOTIONS = 100


class LocalNetwork:
    """One network; it answers as the server does that serves the same file."""

    def __init__(self, name: str, model: bytes, limits: Limits) -> None:
        """Reads the file's metadata, and starts its process.

        Raises:
            ExtractorError: it is no network's file, or cannot be loaded within the limits.
        """
        self._name, self._model, self._limits = name, model, limits
        self._lock = threading.Lock()
        try:
            metadata = read_metadata(model)
            self._inputs = input_names(model)
            self._labels = json.loads(metadata["labels"])
            self._limit = float(metadata["distance_limit"])
            self._baseline_limit = float(metadata.get("baseline_limit", "inf"))
        except (RefusedModelError, KeyError, ValueError, RecursionError) as error:
            raise ExtractorError(f"The network {name} is no network's file: {error!r}") from error
        self._worker = self._started()

    def predict(
        self, features: Features, network: NetworkDescription, baseline: Baseline | None
    ) -> Prediction:
        """Predicts the emotion of one clip.

        Raises:
            ExtractorError: the network cannot be run within the limits, or returns no
                probabilities of the network's emotions.
        """
        outputs = ["probabilities", "distance"]
        if "baseline" in self._inputs:
            outputs.append("baseline_distance")
        message = tensors.pack(self._feed(features, network, baseline), outputs)
        largest = len(outputs) * pipes.SHAPE.size + FLOAT_BYTES * (MOST_EMOTIONS + 2)
        seconds = self._limits.seconds_for(features.end - features.start)
        with self._lock:
            if not self._worker.usable:
                self._worker = self._started()
            answer = self._worker.run_network(message, seconds, largest)
        try:
            return answers.prediction(self._document(answer), network, features)
        except (KeyError, TypeError, ValueError) as error:
            raise ExtractorError(f"The network {self._name} answers wrongly: {error}") from error

    def _started(self) -> Worker:
        worker = Worker(self._limits, f"The network {self._name}")
        worker.load(self._model, self._limits.run_seconds)
        return worker

    def _feed(
        self, features: Features, network: NetworkDescription, baseline: Baseline | None
    ) -> dict[str, NDArray[Any]]:
        """The inputs; zeros stand for what is not known of the clip, as in the server."""
        if network.input == "vector":
            feed: dict[str, NDArray[Any]] = {"mfccs": features.vector[np.newaxis]}
            prosody = features.statistics
        else:
            length = len(features.frames)
            feed = {"frames": features.frames[np.newaxis], "lengths": np.array([length], np.int64)}
            prosody = features.prosody
        if "prosody" in self._inputs:
            if prosody is None and network.input == "frames":
                prosody = np.zeros((len(features.frames), len(PROSODY_COLUMNS)), np.float32)
            if prosody is None:
                raise ExtractorError(f"The network {self._name} needs an extractor of prosody.")
            feed["prosody"] = prosody[np.newaxis]
        if "baseline" in self._inputs:
            feed["baseline"] = _row(baseline, len(features.vector))[np.newaxis]
        return feed

    def _document(self, answer: bytes) -> dict[str, Any]:
        """The answer as the server would write it."""
        probabilities, *distances = _outputs(answer)
        found = zip(self._labels, probabilities.tolist(), strict=True)
        document: dict[str, Any] = {
            "results": [{"emotionType": label, "prediction": value} for label, value in found]
        }
        codes = (OUTSIDE_TRAINING, ANOTHER_VOICE)
        limits = (self._limit, self._baseline_limit)
        for code, limit, distance in zip(codes, limits, distances, strict=False):
            if float(distance[0]) > limit:  # as in the server: false if it is not a number
                document["warning"] = {
                    "code": code,
                    "detail": DETAILS[code],
                    "distance": float(distance[0]),
                    "limit": limit,
                }
                break
        return document


def _row(baseline: Baseline | None, coefficients: int) -> Float32:
    """A baseline as a network takes it, (N,); zeros without one."""
    if baseline is None or not baseline.clips:
        return np.zeros(2 * (coefficients + len(PROSODY_COLUMNS)) + 1, np.float32)
    return baseline_row(baseline).astype(np.float32)


def _outputs(answer: bytes) -> list[Float32]:
    """The arrays of a message of kind FEATURES, each of one row; raises ValueError."""
    found, at = [], 0
    while at < len(answer):
        if len(answer) - at < pipes.SHAPE.size:
            raise ValueError("an output is cut off")
        rows, columns = pipes.SHAPE.unpack_from(answer, at)
        if rows != 1 or not 1 <= columns <= MOST_EMOTIONS:
            raise ValueError(f"an output of {rows} rows and {columns} columns")
        at += pipes.SHAPE.size
        found.append(np.frombuffer(answer, np.float32, columns, at))
        at += columns * FLOAT_BYTES
    return found
