"""Opens an ONNX file as this server wants it: from memory, on one thread, self-described."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import onnxruntime as ort

from server.models import checksum as seal
from server.models.files import ModelFileError

T = TypeVar("T")

DAMAGED = (
    "its SHA-256 is not the one at its end: it was damaged, or changed after it was sealed "
    "(if on purpose: remove 'sha256' from its metadata)"
)
# Below a file there is no file: what a model keeps outside itself is never found.
NO_FOLDER = "/dev/null"


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX Runtime session with the metadata of its file.

    damage: what is wrong with the file although it can be loaded; such a model must not be served.
    """

    session: ort.InferenceSession
    metadata: dict[str, str]
    damage: list[str]


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


def open_model(content: bytes, expected_format: str) -> OnnxModel:
    """Loads a model and checks the `format` that its metadata names.

    Raises:
        ModelFileError: the model cannot be loaded, or has another format.
    """
    damage = [] if seal.fits(content) else [DAMAGED]
    try:
        session = ort.InferenceSession(
            content, sess_options=_options(), providers=["CPUExecutionProvider"]
        )
    # NOTE: ONNX Runtime's exceptions share no base class but Exception.
    except Exception as error:  # noqa: BLE001
        reason = f"is not a model that ONNX Runtime can load: {error}"
        raise ModelFileError(*damage, reason) from None
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    found = metadata.get("format")
    if found != expected_format:
        reason = f"metadata 'format' is {found!r}; expected {expected_format!r}"
        raise ModelFileError(*damage, reason)
    return OnnxModel(session, metadata, damage)


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # PERF: one small network a worker: a second thread costs more than it gives.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # SECURITY: otherwise tensors are read from any file below, or beside, the working directory.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", NO_FOLDER
    )
    options.log_severity_level = 3
    return options
