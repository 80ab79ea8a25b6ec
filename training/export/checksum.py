"""The checksum of a model file: its last bytes are the SHA-256 of all bytes before them.

ONNX has no checksum, so that a flipped bit in a weight would go unnoticed. The server refuses a
file whose checksum does not match.
"""

import hashlib

import onnx

KEY = "sha256"


def with_checksum(model: onnx.ModelProto) -> bytes:
    """The serialised model, followed by one more entry of its `metadata_props`.

    The result is a valid ONNX file: repeated fields of a protobuf message may be anywhere in it.
    """
    kept = [item for item in model.metadata_props if item.key != KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    content: bytes = model.SerializeToString()
    entry = onnx.StringStringEntryProto(key=KEY, value=hashlib.sha256(content).hexdigest())
    checksum: bytes = onnx.ModelProto(metadata_props=[entry]).SerializeToString()
    return content + checksum
