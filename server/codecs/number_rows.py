"""Reads JSON lists of numbers with simdjson, in a third of the time of msgspec.

It flattens nested lists into an array, without a Python object for each number. What it returns has
the same bits as the packed numbers of msgspec. For everything but finite numbers in rows of equal
width it returns None: the caller then reads the text with msgspec, which knows the rest and gives
the reasons of refusals. Where simdjson is not installed, it always returns None.
"""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from server.codecs.json_values import FLOAT32_MAXIMUM

KEPT_BYTES = 131_072  # of the longest text for which a parser keeps its memory
REFUSALS = (ValueError, RuntimeError, TypeError, AttributeError)  # for what is no list of rows

Rows = NDArray[np.float32]


class MemberRows(NamedTuple):
    """The rows in a member of an object, and what else the object has.

    others: the names of the other members; repeated if one is.
    outside: the brackets that open lists, but for those of the rows.
    """

    rows: Rows
    others: list[str]
    outside: int


def _parser_class() -> Callable[[], Any] | None:
    try:
        from simdjson import Parser  # noqa: PLC0415  # it has no wheel for the newest Python
    except ImportError:
        return None
    return Parser


_Parser = _parser_class()


class _Parsers(threading.local):
    """A parser for each thread, since one reads a single text at a time."""

    def __init__(self) -> None:
        self._kept = _Parser() if _Parser else None

    def parse(self, text: bytes) -> Any:
        """A view of the text.

        Raises:
            ValueError, RuntimeError: it is not JSON, or simdjson is not installed.
        """
        if _Parser is None or self._kept is None:
            raise RuntimeError
        return (self._kept if len(text) <= KEPT_BYTES else _Parser()).parse(text)


_parse = _Parsers().parse


def read_numbers(text: bytes) -> Rows | None:
    """The numbers of a list, float32 (N,) for N >= 1."""
    try:
        return _float32(_parse(text)) if count_lists(text) == 1 else None
    except REFUSALS:
        return None


def read_rows(text: bytes, width: int) -> Rows | None:
    """The numbers of a list of rows, float32 (N, width) for N >= 1."""
    try:
        rows = _rows(_parse(text), width)
    except REFUSALS:
        return None
    return rows if rows is not None and count_lists(text) == len(rows) + 1 else None


def read_member_rows(body: bytes, name: str, width: int) -> MemberRows | None:
    """The rows in the member `name` of an object, float32 (N, width) for N >= 1.

    A list in a row is read as its numbers, so the caller must account for all brackets outside.
    """
    if body[:1] != b"{":  # simdjson skips a byte order mark, which JSON forbids
        return None
    try:
        document = _parse(body)
        others = list(document.keys())
        others.remove(name)
        rows = _rows(document[name], width)
    except REFUSALS:
        return None
    return rows if rows is None else MemberRows(rows, others, count_lists(body) - len(rows) - 1)


def count_lists(text: bytes) -> int:
    """The number of opening brackets."""
    # PERF: a fifth of the time of bytes.count
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord("[")))


def _rows(rows: Any, width: int) -> Rows | None:
    if {len(row) for row in rows} != {width}:
        return None
    values = _float32(rows)
    return None if values is None or values.size != len(rows) * width else values.reshape(-1, width)


def _float32(numbers: Any) -> Rows | None:
    values = np.frombuffer(numbers.as_buffer(of_type="d"))
    if not -FLOAT32_MAXIMUM <= values.min() <= values.max() <= FLOAT32_MAXIMUM:
        return None
    return values.astype(np.float32)
