"""Runs the server's extractors, each for recordings at one sample rate."""

import threading

import numpy as np
from speech_emotion_worker import pipes

from speech_emotion.audio import Clip
from speech_emotion.contract import ExtractorFile, Recipe
from speech_emotion.extraction.features import Expected, Features
from speech_emotion.extraction.worker import Worker
from speech_emotion.limits import Limits


class Extractor:
    """Computes features from audio, in a process with limited rights.

    The process holds one graph at a time; loading another takes some hundredths of a second.
    """

    def __init__(self, limits: Limits) -> None:
        """Stores the limits of time and memory; `start` or the first clip starts the process."""
        self._limits = limits
        self._worker: Worker | None = None
        self._loaded = ""  # the hash of the graph in the process
        self._lock = threading.Lock()

    def start(self) -> None:
        """Starts the process, if there is none, without waiting for it; raises ExtractorError."""
        if self._worker is None:
            with self._lock:
                self._worker = self._worker or Worker(self._limits)

    def __call__(self, clip: Clip, recipe: Recipe, file: ExtractorFile, model: bytes) -> Features:
        """Computes the features of a clip at the sample rate of an extractor.

        Args:
            clip: the audio; mono for the extractor of version 1.
            recipe: what the graph must compute.
            file: what the graph takes and returns.
            model: the graph, an ONNX file.

        Raises:
            ExtractorError: the graph cannot be loaded or run within the limits, or its outputs are
                not those of the recipe.
        """
        most_frames = recipe.most_frames(len(clip.samples), clip.sample_rate)
        expected = Expected(most_frames, recipe.coefficients, file.statistics)
        channels = clip.samples.shape[1] if file.takes_recordings else 0
        request = pipes.REQUEST.pack(channels, len(expected.outputs))
        audio = np.ascontiguousarray(clip.samples, np.float32).data.cast("B")
        seconds = self._limits.seconds_for(clip.end - clip.start)
        with self._lock:
            worker = self._ready_worker(file.sha256, model)
            answer = worker.run(request, audio, seconds, expected.largest)
        return expected.read(answer, clip.start, clip.end)

    def _ready_worker(self, sha256: str, model: bytes) -> Worker:
        """The process with the graph; a new one if the last has been ended."""
        if self._worker is None or not self._worker.usable:
            self._worker, self._loaded = Worker(self._limits), ""
        if self._loaded != sha256:
            self._loaded = ""  # until it is loaded, none is
            self._worker.load(model, self._limits.run_seconds)
            self._loaded = sha256
        return self._worker
