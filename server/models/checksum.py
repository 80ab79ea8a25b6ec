"""The seal of a model file: its last bytes hold the SHA-256 of all that stands before them.

ONNX has no checksum, and a weight with one bit turned is still a weight. A sealed file is the
file, followed by one more entry of its `metadata_props`, `sha256`: still one valid ONNX file, since
repeated fields of a protobuf message may stand anywhere.
"""

import hashlib
import string

KEY = "sha256"
DIGITS = 64
ENTRY_HEAD = b"\n\x06sha256\x12@"  # field 1, 6 bytes: the key; field 2, 64 bytes: the digits
HEAD = b"r" + bytes([len(ENTRY_HEAD) + DIGITS]) + ENTRY_HEAD  # field 14, metadata_props
HEXADECIMAL = frozenset(string.hexdigits.lower().encode())


def fits(content: bytes) -> bool:
    """Whether the seal fits what stands before it; a file that never had a seal is taken as whole.

    A file counts as sealed from 60 hexadecimal digits at its end, so that damage to the seal itself
    does not make it look like a file without one.
    """
    digits = content[-DIGITS:]
    if sum(byte in HEXADECIMAL for byte in digits) < DIGITS - 4:
        return True
    body, head = content[: -len(HEAD) - DIGITS], content[-len(HEAD) - DIGITS : -DIGITS]
    return head == HEAD and digits == hashlib.sha256(body).hexdigest().encode()
