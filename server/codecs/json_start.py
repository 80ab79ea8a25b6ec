"""Reads the start of a JSON text that is too large to be decoded whole."""

import re

from server.problems import messages
from server.problems.documents import Problem

START_BYTES = 8_192
DEEPEST = 500  # nested lists and objects
ELEMENT_DEPTH = 2  # of the rows of `{"mfccs": [...]}`

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|$)|[\[\]{},]')
CLOSING = {b"[": b"]", b"{": b"}"}


def first_elements(text: bytes) -> bytes:
    """A JSON text with the first elements of `text`, as long as that is an object of lists.

    It ends with the last whole element in the first `START_BYTES` bytes; what is open there is
    closed. If the text is not JSON, the result is not either, or has only what precedes the fault.

    Raises:
        Problem: 400, the elements are nested too deeply.
    """
    start = text[:START_BYTES]
    open_lists: list[bytes] = []
    whole = b""
    for token in TOKEN.finditer(start):
        mark = token[0]
        if mark in CLOSING:
            open_lists.append(CLOSING[mark])
            if len(open_lists) > DEEPEST:
                raise Problem(messages.NESTED_TOO_DEEPLY)
        elif mark in (b"]", b"}") and open_lists:
            open_lists.pop()
        elif mark == b"," and len(open_lists) <= ELEMENT_DEPTH:
            whole = start[: token.start()] + b"".join(reversed(open_lists))
    return whole or b"{}"
