"""The server's own extractor: fetched once, checked by its hash, run by ONNX Runtime."""

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
    """What the extractor makes of one clip."""

    frames: Float32  # (T, coefficients)
    vector: Float32  # (coefficients,), the frames pooled by the contract's rule


class Extractor:
    """Audio to MFCCs."""

    def __init__(self, model: bytes) -> None:
        """Loads the ONNX graph.

        Raises:
            ExtractorError: ONNX Runtime cannot load it.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            # SECURITY: from memory, tensors cannot be read from other files on this machine.
            self._session = ort.InferenceSession(
                model, sess_options=options, providers=["CPUExecutionProvider"]
            )
        # NOTE: ONNX Runtime's exceptions share no base class but Exception.
        except Exception as error:
            raise ExtractorError(f"The server's extractor cannot be loaded: {error}") from error

    def __call__(self, clip: Clip) -> Features:
        """Computes the features of a clip at the contract's rate.

        Raises:
            ExtractorError: ONNX Runtime cannot run the graph on audio.
        """
        try:
            frames, vector = self._session.run(OUTPUTS, {"audio": clip.samples})
        except Exception as error:
            raise ExtractorError(f"The server's extractor fails: {error}") from error
        return Features(frames, vector)


def fetch_extractor(transport: Transport, resource: Resource, cache: Path) -> Extractor:
    """Loads the extractor from the cache, or from the server into the cache.

    Raises:
        ExtractorError: what the server sends has another hash than it promised.
        NoServerError, WrongServerError, ServerProblemError: see there.
    """
    path = cache / f"{resource.sha256}.onnx"
    model = path.read_bytes() if path.is_file() else b""
    if _sha256(model) != resource.sha256:
        model = transport.get(resource.path)
        check_hash("extractor", model, resource)
        # A cache that cannot be written costs a download each time, and nothing else.
        with suppress(OSError):
            _write(path, model)
    return Extractor(model)


def check_hash(name: str, content: bytes, resource: Resource) -> None:
    """Raises ExtractorError where the content is not what the handshake promised."""
    found = _sha256(content)
    if found != resource.sha256:
        raise ExtractorError(
            f"The server's {name} has the SHA-256 hash {found}; "
            f"its handshake promises {resource.sha256}. It is not used."
        )


def cache_directory() -> Path:
    """Where extractors are kept: `$XDG_CACHE_HOME/speech-emotion`, by default in `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "speech-emotion"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, also where several processes write at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
