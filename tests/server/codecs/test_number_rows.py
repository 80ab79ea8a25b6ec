"""Long bodies, which simdjson reads first, have the outcome of short ones, which msgspec reads."""

import json
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.codecs.mfcc_json import ALWAYS_DECODED, MfccDecoder
from server.codecs.number_rows import read_member_rows, read_numbers, read_rows
from server.codecs.optional_members import OptionalMembersReader, Utterance
from server.problems.documents import Problem
from tests.server.api.test_prediction import decode_or_explain

WIDTH, FRAMES = 2, 4
DECODE = MfccDecoder(WIDTH, FRAMES, OptionalMembersReader(WIDTH, ["other"] * 4))
SPACE = b" " * ALWAYS_DECODED  # makes a body long

finite = st.floats(allow_nan=False, allow_infinity=False)
digits = st.from_regex(
    rb"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
unusual = st.sampled_from(
    b"-0 -0.0 1e400 -1e39 3.4028236e38 3.4028235677973366e38 1. .5 01 +1 1e NaN Infinity true null "
    b'"" [1] [[1,2]] [] {} 18446744073709551616 9007199254740993 5e-324 7e-46 0x1 1_0 --1 ,'.split()
)
number = finite.map(lambda value: json.dumps(value).encode()) | digits
row = st.lists(number, min_size=WIDTH, max_size=WIDTH) | st.lists(
    number | unusual, max_size=WIDTH + 1
)
plain_rows = st.lists(
    st.lists(number, min_size=WIDTH, max_size=WIDTH).map(
        lambda items: b"[" + b",".join(items) + b"]"
    ),
    min_size=1,
    max_size=FRAMES,
)
mixed_rows = st.lists(
    row.map(lambda items: b"[" + b", ".join(items) + b"]") | unusual, max_size=FRAMES + 1
)
rows = (plain_rows | mixed_rows).map(lambda items: b"[" + b",\n".join(items) + b"]")
prosody = st.just(b"[[1,0.5,-9]]") | rows | unusual
baseline = st.just(
    b'{"clips":2,"mfccs":{"mean":[1,2],"spread":[1,0]},"prosody":{"mean":[1,0.5,-9],"spread":[1,1,1]}}'
)
member = (
    rows.map(lambda value: b'"mfccs":' + value)
    | prosody.map(lambda value: b'"prosody":' + value)
    | (baseline | unusual).map(lambda value: b'"baseline":' + value)
    | unusual.map(lambda value: b'"o[ther":' + value)
    | rows.map(lambda value: b'"\\u006dfccs":' + value)
)
bodies = st.tuples(rows, st.lists(member, max_size=3)).map(
    lambda parts: b"{" + b",".join([b'"mfccs":' + parts[0], *parts[1]]) + b"}"
)


def outcome(body: bytes) -> Any:
    """The problem document, or the bytes of each array."""
    found = decode_or_explain(DECODE, body)
    if isinstance(found, Problem):
        return found.document()
    assert isinstance(found, Utterance)
    arrays = (found.mfccs, found.prosody, found.baseline)
    return [None if each is None else (each.shape, each.tobytes()) for each in arrays]


@given(bodies)
@example(b'{"mfccs":[[1,[2]],[3,4]]}')
@example(b'{"mfccs":[[1,2]],"mfccs":"x"}')
@example(b'{"mfccs":"x","mfccs":[[1,2]]}')
@example(b'{"mfccs":["ab","cd"]}')
@example(b'{"mfccs":[{"a":1,"b":2}]}')
@example(b'\xef\xbb\xbf{"mfccs":[[1,2]]}')
@example(b'{"mfccs":[[1,2]],"baseline":{"a":[[1]]},"prosody":[[1,0.5,-9]]}')
@settings(max_examples=150, deadline=None)
def test_a_long_body_has_the_outcome_of_a_short_one(body: bytes) -> None:
    assert outcome(body + SPACE) == outcome(body)


@given(bodies, st.integers(0, 200), st.integers(0, 3), st.binary(max_size=2))
@settings(max_examples=100, deadline=None)
def test_a_damaged_long_body_has_the_outcome_of_a_short_one(
    body: bytes, start: int, length: int, inserted: bytes
) -> None:
    damaged = body[:start] + inserted + body[start + length :]
    assert outcome(damaged + SPACE) == outcome(damaged)


@given(st.lists(number | unusual, max_size=6))
@settings(max_examples=100, deadline=None)
def test_numbers_are_read_as_in_rows_of_one(tokens: list[bytes]) -> None:
    column = MfccDecoder(1, 6)
    body = b'{"mfccs":[' + b",".join(b"[" + token + b"]" for token in tokens) + b"]}"
    expected = decode_or_explain(column, body)
    for found in (
        read_numbers(b"[" + b",".join(tokens) + b"]"),
        read_rows(b"[" + b",".join(b"[" + token + b"]" for token in tokens) + b"]", 1),
    ):
        if found is not None:
            assert isinstance(expected, Utterance)
            assert found.tobytes() == expected.mfccs.tobytes()


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="simdjson has no wheel")
def test_plain_numbers_are_read_at_once() -> None:
    assert np.array_equal(read_numbers(b"[1, -2.5e0, 3]"), [1, -2.5, 3])  # type: ignore[arg-type]
    assert np.array_equal(read_rows(b"[[1, 2], [3, 4]]", 2), [[1, 2], [3, 4]])  # type: ignore[arg-type]
    found = read_member_rows(b'{"other": [], "mfccs": [[1, 2], [3, 4]]}', "mfccs", 2)
    assert found
    assert np.array_equal(found.rows, [[1, 2], [3, 4]])
    assert (found.others, found.outside) == (["other"], 1)
