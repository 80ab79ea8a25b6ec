"""The checksum of a model file: its last bytes hold the SHA-256 of all bytes before them.

ONNX has no checksum, and a weight with one flipped bit is still a valid weight. The checksum is one
more entry of `metadata_props`, `sha256`, appended to the file. The result is still a valid ONNX
file, since repeated fields of a protobuf message may appear anywhere.
"""

import hashlib
import string

KEY = "sha256"
DIGITS = 64
ENTRY_HEAD = b"\n\x06sha256\x12@"  # field 1, 6 bytes: the key; field 2, 64 bytes: the digits
HEAD = b"r" + bytes([len(ENTRY_HEAD) + DIGITS]) + ENTRY_HEAD  # field 14, metadata_props
HEXADECIMAL = frozenset(string.hexdigits.lower().encode())
DAMAGED = (
    "its SHA-256 differs from the checksum at its end: the file is damaged, or was changed "
    "(if on purpose, remove 'sha256' from its metadata)"
)


def checksum_matches(content: bytes) -> bool:
    """Whether the checksum matches the content; True for a file that has no checksum.

    A file counts as having one if at least 60 of its last 64 bytes are hexadecimal digits, so that
    damage to the checksum itself is detected too.
    """
    digits = content[-DIGITS:]
    if sum(byte in HEXADECIMAL for byte in digits) < DIGITS - 4:
        return True
    body, head = content[: -len(HEAD) - DIGITS], content[-len(HEAD) - DIGITS : -DIGITS]
    return head == HEAD and digits == hashlib.sha256(body).hexdigest().encode()
