"""The seal of a model file: its last bytes hold the SHA-256 of all that stands before them.

ONNX has no checksum, and a weight with one bit turned is still a weight. The server refuses a file
whose seal does not fit.
"""

import hashlib

import onnx

KEY = "sha256"


def with_checksum(model: onnx.ModelProto) -> bytes:
    """The file's content, and one more entry of its `metadata_props` behind it.

    That is still one ONNX file: repeated fields of a protobuf message may stand anywhere.
    """
    kept = [item for item in model.metadata_props if item.key != KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    content: bytes = model.SerializeToString()
    entry = onnx.StringStringEntryProto(key=KEY, value=hashlib.sha256(content).hexdigest())
    seal: bytes = onnx.ModelProto(metadata_props=[entry]).SerializeToString()
    return content + seal
