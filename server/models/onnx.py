"""Opens ONNX files with the session options of this server and reads their metadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import onnxruntime as ort

from server.models.checksum import DAMAGED, checksum_matches
from server.models.files import ModelFileError, format_fault

T = TypeVar("T")

# Nothing can exist below a file, so external data of a model is never found.
NO_FOLDER = "/dev/null"


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX Runtime session with the metadata of its file.

    damage: faults of a file that can be loaded nevertheless; such a model must not be served.
    """

    session: ort.InferenceSession
    metadata: dict[str, str]
    damage: list[str]


def decode_metadata(metadata: Mapping[str, str], key: str, kind: type[T]) -> T:
    """Decodes the JSON text under `key` in the metadata of a file.

    Raises:
        ModelFileError: the key is missing, or its value is not JSON or not of type `kind`.
    """
    if key not in metadata:
        raise ModelFileError(f"metadata lacks {key!r}")
    try:
        return msgspec.json.decode(metadata[key], type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModelFileError(f"metadata {key!r}: {error}") from None


def open_model(content: bytes, *formats: str) -> OnnxModel:
    """Loads a model and checks the `format` in its metadata.

    Raises:
        ModelFileError: the model cannot be loaded, or has none of these formats.
    """
    damage = [] if checksum_matches(content) else [DAMAGED]
    try:
        session = ort.InferenceSession(
            content, sess_options=_options(), providers=["CPUExecutionProvider"]
        )
    # NOTE: ONNX Runtime's exceptions share no base class but Exception.
    except Exception as error:  # noqa: BLE001
        reason = f"is not a model that ONNX Runtime can load: {error}"
        raise ModelFileError(*damage, reason) from None
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    if fault := format_fault(metadata, *formats):
        raise ModelFileError(*damage, fault)
    return OnnxModel(session, metadata, damage)


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    # PERF: with one small network per call, more threads cost more than they gain.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # An arena keeps the memory of the largest batch for ever; malloc is as fast.
    options.enable_cpu_mem_arena = False
    # SECURITY: by default external tensors can be read from any file that the process can read.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", NO_FOLDER
    )
    options.log_severity_level = 3
    return options
