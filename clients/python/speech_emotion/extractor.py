"""Fetches the server's extractor once, checks its hash, and checks what it computes."""

import hashlib
import os
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from speech_emotion_worker import pipes

from speech_emotion.audio import Clip, Float32
from speech_emotion.contract import Recipe, Resource
from speech_emotion.errors import ExtractorError
from speech_emotion.limits import Limits
from speech_emotion.transport import Transport
from speech_emotion.worker import Worker

CACHED_FILES = 8  # of the newest extractors; a server may change its own at will


@dataclass(frozen=True)
class Features:
    """The MFCCs of one clip."""

    frames: Float32  # (T, coefficients)
    vector: Float32  # (coefficients,), the mean of the frames


class Extractor:
    """Computes MFCCs from audio, in a process with limited rights."""

    def __init__(
        self, model: bytes, recipe: Recipe, limits: Limits, worker: Worker | None = None
    ) -> None:
        """Stores the ONNX graph; it is loaded on first use.

        Args:
            model: the ONNX file.
            recipe: what the graph must compute.
            limits: of its time and memory.
            worker: a process without a graph; by default one is started on first use.
        """
        self._model = model
        self._recipe = recipe
        self._limits = limits
        self._worker = worker
        self._loaded = False
        self._lock = threading.Lock()

    def __call__(self, clip: Clip) -> Features:
        """Computes the features of a clip at the sample rate of the recipe.

        Raises:
            ExtractorError: the graph cannot be loaded or run within the limits, or its outputs are
                not those of the recipe.
        """
        most = self._recipe.most_frames(len(clip.samples))
        largest = pipes.SHAPE.size + (most + 1) * self._recipe.coefficients * 4
        seconds = self._limits.seconds_for(clip.end - clip.start)
        audio = np.ascontiguousarray(clip.samples, np.float32).data.cast("B")
        with self._lock:
            answer = self._ready_worker().run(audio, seconds, largest)
        return _features(answer, self._recipe, most)

    def _ready_worker(self) -> Worker:
        """The process with the graph; a new one if the last has been ended."""
        if self._worker is None or not self._worker.usable:
            self._worker, self._loaded = Worker(self._limits), False
        if not self._loaded:
            self._worker.load(self._model, self._limits.run_seconds)
            self._loaded = True
        return self._worker


def _features(answer: bytes, recipe: Recipe, most: int) -> Features:
    """Checks the shape and the values of what the extractor returned.

    SECURITY: an extractor that returns the audio itself is refused here, before anything is sent.
    """
    length, coefficients = pipes.SHAPE.unpack_from(answer.ljust(pipes.SHAPE.size, b"\0"))
    if coefficients != recipe.coefficients or not 1 <= length <= most:
        raise ExtractorError(
            f"The server's extractor returns frames of shape ({length}, {coefficients}); "
            f"expected (1 to {most}, {recipe.coefficients}). They were not sent."
        )
    values = np.frombuffer(answer, np.float32, offset=pipes.SHAPE.size)
    if len(values) != (length + 1) * coefficients:
        raise ExtractorError(
            "The server's extractor returns a mean of another shape than "
            f"({coefficients},). It was not sent."
        )
    if not np.isfinite(values).all():
        raise ExtractorError("The server's extractor returns values that are not finite.")
    frames = values[: length * coefficients].reshape(length, coefficients)
    return Features(frames, values[length * coefficients :])


def fetch_extractor(transport: Transport, resource: Resource, cache: Path) -> bytes:
    """Loads the extractor from the cache; fetches it first if it is missing or damaged.

    Raises:
        ExtractorError: the file from the server has another hash than the handshake says.
        NoServerError, WrongServerError, ServerProblemError: the file cannot be fetched.
    """
    path = cache / f"{resource.sha256}.onnx"
    model = path.read_bytes() if path.is_file() else b""
    if _sha256(model) != resource.sha256:
        model = transport.get(resource.path)
        check_hash("extractor", model, resource)
        # Without a writable cache the extractor is downloaded each time.
        with suppress(OSError):
            _write(path, model)
    return model


def check_hash(name: str, content: bytes, resource: Resource) -> None:
    """Raises ExtractorError if the content has another hash than the handshake says."""
    found = _sha256(content)
    if found != resource.sha256:
        raise ExtractorError(
            f"The server's {name} has the SHA-256 hash {found}; "
            f"the handshake says {resource.sha256}. It was not used."
        )


def cache_directory() -> Path:
    """The folder for extractors: `$XDG_CACHE_HOME/speech-emotion`, by default in `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "speech-emotion"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Writes atomically, so that several processes may write at once; removes old files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(content)
        except OSError:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)
    newest_first = sorted(path.parent.glob("*.onnx"), key=lambda file: -file.stat().st_mtime)
    for old in newest_first[CACHED_FILES:]:
        old.unlink(missing_ok=True)
