"""Opens an ONNX file as this server wants it: from memory, on one thread, self-described."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import onnxruntime as ort

T = TypeVar("T")


class ModelFileError(ValueError):
    """A model file that must not be served; the message says what was expected."""


@dataclass(frozen=True)
class PublishedFile:
    """A file's content and its SHA-256 in hexadecimal digits."""

    content: bytes
    sha256: str


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX Runtime session with the metadata of its file."""

    session: ort.InferenceSession
    metadata: dict[str, str]


def decode_metadata(metadata: Mapping[str, str], key: str, kind: type[T]) -> T:
    """Reads the JSON text that stands under `key` in a file's metadata.

    Raises:
        ModelFileError: it is missing, no JSON, or not of that kind.
    """
    if key not in metadata:
        raise ModelFileError(f"metadata lacks {key!r}")
    try:
        return msgspec.json.decode(metadata[key], type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModelFileError(f"metadata {key!r}: {error}") from None


def read_file(path: Path) -> PublishedFile:
    """Reads a file of the models' directory.

    Raises:
        ModelFileError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror}") from None
    return PublishedFile(content, hashlib.sha256(content).hexdigest())


def open_model(content: bytes, expected_format: str) -> OnnxModel:
    """Loads a model and checks the `format` that its metadata names.

    Raises:
        ModelFileError: the model cannot be loaded, or has another format.
    """
    try:
        # SECURITY: from memory, tensors cannot be read from other files on this machine.
        session = ort.InferenceSession(
            content, sess_options=_options(), providers=["CPUExecutionProvider"]
        )
    # NOTE: ONNX Runtime's exceptions share no base class but Exception.
    except Exception as error:  # noqa: BLE001
        raise ModelFileError(f"is not a model that ONNX Runtime can load: {error}") from None
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    found = metadata.get("format")
    if found != expected_format:
        raise ModelFileError(f"metadata 'format' is {found!r}; expected {expected_format!r}")
    return OnnxModel(session, metadata)


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # PERF: one small network a worker: a second thread costs more than it gives.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options
