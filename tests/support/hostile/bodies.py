"""JSON bodies that take long to decode, or whose objects take much memory.

Each is a function: together they would take hundreds of megabytes.
"""

import json
from collections.abc import Callable
from functools import partial

from training.features.recordings.statistics import STATISTICS

MFCCS_BYTES = 1_048_576
BATCH_BYTES = 8_388_608

START = b'{"mfccs":['
ROW = b"[%b]," % b",".join([b"0"] * 25)
LONG_ROW = b"[%b]," % b",".join([b"-123.4567"] * 25)


def filled(start: bytes, unit: bytes, end: bytes, size: int = MFCCS_BYTES) -> bytes:
    """As many units between start and end as fit in `size` bytes."""
    return start + unit * ((size - len(start) - len(end)) // len(unit)) + end


def batch(start: bytes, unit: bytes, end: bytes) -> bytes:
    return filled(start, unit, end, BATCH_BYTES)


Bodies = dict[str, Callable[[], bytes]]

MFCCS: Bodies = {
    "empty lists": partial(filled, START, b"[],", b"[]]}"),
    "empty objects": partial(filled, START, b"{},", b"{}]}"),
    "empty strings": partial(filled, START, b'"",', b'""]}'),
    "nulls": partial(filled, START, b"null,", b"null]}"),
    "lists in lists": partial(filled, START, b"[[[]]],", b"[]]}"),
    "objects in a row": partial(filled, START + b"[", b'{"a":[]},', b"0]]}"),
    "short rows": partial(filled, START, b"[0],", b"[0]]}"),
    "a row, then empty lists": partial(filled, START + ROW, b"[],", b"[]]}"),
    "an empty list, then numbers": partial(filled, START + b"[],[", b"0,", b"0]]}"),
    "rows": partial(filled, START, ROW, ROW[:-1] + b"]}"),
    "rows, the last one empty": partial(filled, START, ROW, b"[]]}"),
    "rows without an end": partial(filled, START, ROW, b"x"),
    "3,000 rows, the last one empty": lambda: START + ROW * 2_999 + b"[]]}",
    "3,000 rows": lambda: START + (ROW * 3_000)[:-1] + b"]}",
    "numbers": partial(filled, START, b"0,", b"0]}"),
    "numbers of 30 digits": partial(filled, START, b"9" * 30 + b",", b"9]}"),
    "numbers of 400 digits": partial(filled, START, b"9" * 400 + b",", b"9]}"),
    "a long integer": partial(filled, START, b"9", b"]}"),
    "a long fraction": partial(filled, START + b"0.", b"9", b"e-400]}"),
    "deep lists": partial(filled, START, b"[", b""),
    "deep objects": partial(filled, b"", b'{"a":', b""),
    "a long string": partial(filled, b'{"mfccs":"', b"a", b'"}'),
    "escapes": partial(filled, b'{"mfccs":"', rb"\u0041", b'"}'),
    "characters of four bytes": partial(filled, b'{"mfccs":"', "😀".encode(), b'"}'),
    "invalid UTF-8 at the end": partial(filled, START, "é".encode(), b"\xff]}"),
    "one key": partial(filled, b'{"a":1', b',"b":1', b"}"),
    "many keys": lambda: b'{"a":1%b}' % b"".join(b',"%x":1' % i for i in range(90_000)),
    "the member again": partial(filled, START + b"]", b',"mfccs":[]', b"}"),
    "the member again with a row": partial(filled, START + b"]", b',"mfccs":[[0]]', b"}"),
    "another member": partial(filled, b'{"a":[', b"[],", b'[]],"mfccs":[0]}'),
    "whitespace": partial(filled, START, b" ", b"]}"),
}

# With members beside the MFCCs, which have their own limits.
VECTOR = START + b",".join([b"0"] * 25) + b"]"
ROWS_OF_PROSODY = b'{"prosody":['
PROSODY = VECTOR + b',"prosody":['
BASELINE = VECTOR + b',"baseline":{"mfccs":{"mean":['
PROSODY_ROW = b"[2.345,0.678,-12.34],"
VOICES: Bodies = {
    "empty lists of prosody": partial(filled, PROSODY, b"[],", b"[]]}"),
    "6,000 empty lists of prosody": lambda: PROSODY + b"[]," * 6_000 + b"[]]}",
    "6,000 empty lists beside prosody": lambda: START + b"[]," * 6_000 + b'[]],"prosody":[]}',
    "lists in lists of prosody": partial(filled, PROSODY, b"[[[]]],", b"[]]}"),
    "statistics": partial(filled, PROSODY, b"0,", b"0]}"),
    "84,000 statistics": lambda: PROSODY + b"0," * 84_000 + b"0]}",
    "short rows of prosody": partial(filled, PROSODY, b"[0],", b"[0]]}"),
    "a long integer of prosody": partial(filled, PROSODY, b"9", b"]}"),
    "numbers of 400 digits of prosody": partial(filled, PROSODY, b"9" * 400 + b",", b"9]}"),
    "deep lists of prosody": partial(filled, PROSODY, b"[", b""),
    "a long string of prosody": partial(filled, PROSODY + b'"', b"a", b'"]}'),
    "prosody again": partial(filled, PROSODY + b"]", b',"prosody":[]', b"}"),
    "prosody without an end": partial(filled, PROSODY, b"0,", b"x"),
    "3,000 rows with prosody": lambda: (
        ROWS_OF_PROSODY
        + (PROSODY_ROW * 3_000)[:-1]
        + b"],"
        + START[1:]
        + (LONG_ROW * 3_000)[:-1]
        + b"]}"
    ),
    "3,000 rows with prosody, the last one short": lambda: (
        ROWS_OF_PROSODY
        + PROSODY_ROW * 2_999
        + b"[0]],"
        + START[1:]
        + (LONG_ROW * 3_000)[:-1]
        + b"]}"
    ),
    "3,000 rows with less prosody": lambda: (
        ROWS_OF_PROSODY
        + (PROSODY_ROW * 2_999)[:-1]
        + b"],"
        + START[1:]
        + (LONG_ROW * 3_000)[:-1]
        + b"]}"
    ),
    "a baseline of empty lists": partial(filled, BASELINE, b"[],", b"[]]}}}"),
    "a baseline of numbers": partial(filled, BASELINE, b"0,", b"0]}}}"),
    "a baseline of 65,000 numbers": lambda: BASELINE + b"0," * 65_000 + b"0]}}}",
    "a baseline of numbers of 400 digits": partial(filled, BASELINE, b"9" * 400 + b",", b"9]}}}"),
    "a baseline of deep objects": partial(filled, VECTOR + b',"baseline":', b'{"a":', b""),
    "a baseline of many keys": lambda: (
        VECTOR + b',"baseline":{"a":1%b}}' % b"".join(b',"%x":1' % i for i in range(60_000))
    ),
    "a list as a name": partial(filled, VECTOR + b',"reference":[', b"[],", b"[]]}"),
    "numbers as a name": lambda: VECTOR + b',"reference":[' + b"0," * 65_000 + b"0]}",
    "a long name": partial(filled, VECTOR + b',"reference":"', rb"\u0041", b'"}'),
    "a name again": partial(filled, VECTOR, b',"reference":""', b"}"),
    "a baseline again": partial(filled, VECTOR, b',"baseline":{}', b"}"),
}


def input_with(data: str, *shape: int, name: str = "mfccs", datatype: str = "FP32") -> bytes:
    """The start of a request, up to the data of its input."""
    tensor = json.dumps({"name": name, "datatype": datatype, "shape": shape})
    return b'{"inputs":[%b,"data":%b' % (tensor[:-1].encode(), data.encode())


VECTORS = input_with("[", 65_536, 25)
FRAMES = input_with("[[", 10, 100, 25, name="frames")
LENGTHS = input_with("[", 65_536, name="lengths", datatype="INT64")
SIZES = b'{"inputs":[{"name":"","datatype":"","shape":['
EMPTY_INPUT = b'{"name":"","shape":[],"datatype":""}'
ROWS = (BATCH_BYTES - 200) // len(LONG_ROW)


VECTOR_BATCHES: Bodies = {
    "rows": lambda: input_with("[", ROWS, 25) + (LONG_ROW * ROWS)[:-1] + b"]}]}",
    "rows, the last one empty": lambda: (
        input_with("[", ROWS, 25) + LONG_ROW * (ROWS - 1) + b"[]]}]}"
    ),
    "numbers": lambda: input_with("[", 65_536, 25) + (b"0.5," * 65_536 * 25)[:-1] + b"]}]}",
    "too many numbers": partial(batch, VECTORS, b"0,", b"0]}]}"),
    "empty lists": partial(batch, VECTORS, b"[],", b"[]]}]}"),
    "empty objects": partial(batch, VECTORS, b"{},", b"{}]}]}"),
    "empty strings": partial(batch, VECTORS, b'"",', b'""]}]}'),
    "short rows": partial(batch, VECTORS, b"[0],", b"[0]]}]}"),
    "deep lists": partial(batch, VECTORS, b"[", b""),
    "a long integer": partial(batch, VECTORS, b"9", b"]}]}"),
    "whitespace": partial(batch, VECTORS, b" ", b"]}]}"),
    "an end that is missing": partial(batch, VECTORS, b"0,", b"x"),
    "a string at the end": partial(batch, VECTORS, b"0,", b'""]}]}'),
    "sizes of a shape": partial(
        batch, b'{"inputs":[{"name":"","datatype":"","shape":[', b"1,", b"1]}]}"
    ),
    "inputs": partial(batch, b'{"inputs":[', EMPTY_INPUT + b",", EMPTY_INPUT + b"]}"),
    "inputs, again": partial(batch, b'{"inputs":[]', b',"inputs":[]', b"}"),
    "outputs": partial(batch, b'{"inputs":[],"outputs":[', b'{"name":""},', b'{"name":""}]}'),
    "parameters": partial(batch, b'{"inputs":[],"parameters":{"a":1', b',"b":1', b"}}"),
    "lists in a parameter": partial(batch, b'{"inputs":[],"parameters":{"a":[', b"[],", b"[]]}}"),
    "an id": partial(batch, b'{"inputs":[],"id":"', b"a", b'"}'),
    "an id of escapes": partial(batch, b'{"inputs":[],"id":"', rb"\u0041", b'"}'),
    "an id of four-byte characters": partial(batch, b'{"inputs":[],"id":"', "😀".encode(), b'"}'),
    "a name": partial(batch, b'{"inputs":[{"name":"', b"a", b'","shape":[],"datatype":""}]}'),
    "whitespace after the inputs": partial(batch, b'{"inputs":[]', b" ", b"}"),
    "invalid UTF-8 at the end": partial(batch, b'{"inputs":[],"id":"', "é".encode(), b'\xff"}'),
    "many lists of data": partial(batch, b'{"inputs":[{"data":[]}', b',{"data":[]}', b"]}"),
}

FRAME_BATCHES: Bodies = {
    "frames": lambda: (
        input_with("[[", 1, ROWS, 25, name="frames") + (LONG_ROW * ROWS)[:-1] + b"]]}]}"
    ),
    "empty lists": partial(batch, FRAMES, b"[],", b"[]]]}]}"),
    "empty utterances": partial(batch, FRAMES + b"[]],[", b"],[", b"]]}]}"),
    "lengths": partial(
        batch, input_with("[", 65_536, name="lengths", datatype="INT64"), b"1,", b"1]}]}"
    ),
}

VOICE_ROWS = 20_000
OTHER_INPUT = b"]},"  # before the start of another input


def voice_batch(last: bytes) -> bytes:
    """Rows of MFCCs, prosody and baselines; `last` is the last row of the baselines."""
    inputs = (("mfccs", 25), ("prosody", len(STATISTICS)), ("baseline", 57))
    starts = [input_with("[", VOICE_ROWS, width, name=name) for name, width in inputs]
    rows = [b"[%b]," % b",".join([b"1"] * width) for _, width in inputs]
    text = starts[0]
    for start, row in zip(starts[1:], rows, strict=False):
        text += (row * VOICE_ROWS)[:-1] + OTHER_INPUT + start.removeprefix(b'{"inputs":[')
    return text + rows[-1] * (VOICE_ROWS - 1) + last + b"]}]}"


VOICE_BATCHES: Bodies = {
    "rows with baselines": partial(voice_batch, b"[%b]" % b",".join([b"1"] * 57)),
    "baselines, the last one empty": partial(voice_batch, b"[]"),
    "baselines, the last one negative": partial(voice_batch, b"[%b]" % b",".join([b"-1"] * 57)),
    "baselines, the last one without clips": partial(
        voice_batch, b"[%b,0]" % b",".join([b"1"] * 56)
    ),
    "empty lists of baselines": partial(
        batch, input_with("[", 65_536, 57, name="baseline"), b"[],", b"[]]}]}"
    ),
    "prosody as frames": partial(
        batch, input_with("[[", 10, 100, 3, name="prosody"), b"[0,0,0],", b"[]]]}]}"
    ),
}
