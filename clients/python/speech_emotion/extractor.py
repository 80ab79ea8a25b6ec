"""Fetches the server's extractor once, checks its hash, and runs it in ONNX Runtime."""

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import onnxruntime as ort

from speech_emotion.audio import Clip, Float32
from speech_emotion.contract import Resource
from speech_emotion.errors import ExtractorError
from speech_emotion.transport import Transport

OUTPUTS = ("frames", "mfccs")


@dataclass(frozen=True)
class Features:
    """The MFCCs of one clip."""

    frames: Float32  # (T, coefficients)
    vector: Float32  # (coefficients,), the mean of the frames


class Extractor:
    """Computes MFCCs from audio."""

    def __init__(self, model: bytes) -> None:
        """Loads the ONNX graph.

        Raises:
            ExtractorError: ONNX Runtime cannot load the graph.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            # SECURITY: a graph loaded from memory cannot read tensors from other files.
            self._session = ort.InferenceSession(
                model, sess_options=options, providers=["CPUExecutionProvider"]
            )
        # NOTE: ONNX Runtime's exceptions have no other common base class.
        except Exception as error:
            raise ExtractorError(f"The server's extractor cannot be loaded: {error}") from error

    def __call__(self, clip: Clip) -> Features:
        """Computes the features of a clip at the sample rate of the handshake.

        Raises:
            ExtractorError: ONNX Runtime cannot run the graph.
        """
        try:
            frames, vector = self._session.run(OUTPUTS, {"audio": clip.samples})
        except Exception as error:
            raise ExtractorError(f"The server's extractor failed: {error}") from error
        return Features(frames, vector)


def fetch_extractor(transport: Transport, resource: Resource, cache: Path) -> Extractor:
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
    return Extractor(model)


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
    """Writes atomically, so that several processes may write at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
