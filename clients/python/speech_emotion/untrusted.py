"""Checks of what a server sends: each value has a type and a range, each text is printable."""

import math
import re
import reprlib
import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

LONGEST_NAME = 100  # characters
LONGEST_TEXT = 1000  # characters; longer texts are cut
MOST_ITEMS = 100  # of one list
# No ".." and no other host: the server names only its own files.
PATH = re.compile(r"(/(?!\.{1,2}(/|\?|$))[\w.~-]+)+(\?[\w.~=&-]*)?", re.ASCII)


def printable(text: str) -> str:
    """The text on one line, without control characters.

    Escape sequences, line breaks and marks that turn the direction of writing are control
    characters. Surrogates stay: they stand for bytes in the names of files.
    """
    kept = (c if c.isprintable() or _is_surrogate(c) else " " * c.isspace() for c in text)
    return "".join(kept)


def shown(value: object) -> str:
    """A short, printable form of any value, for messages."""
    return printable(reprlib.repr(value))


def text(value: object) -> str:
    """A text for people: without control characters, of at most LONGEST_TEXT characters.

    Raises:
        ValueError: it is not a text.
    """
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a text")  # noqa: TRY004 -- one error for all
    cut = f"{value[:LONGEST_TEXT]}…" if len(value) > LONGEST_TEXT else value
    return printable(cut)


def name(value: object) -> str:
    """A name: from 1 to LONGEST_NAME printable characters.

    Raises:
        ValueError: it is not a name.
    """
    if isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable():
        return value
    raise ValueError(f"{shown(value)} is not a name of 1 to {LONGEST_NAME} printable characters")


def path(value: object) -> str:
    """The path of a file on the server, with its query; raises ValueError."""
    if isinstance(value, str) and len(value) <= LONGEST_TEXT and PATH.fullmatch(value):
        return value
    raise ValueError(f"{shown(value)} is not a path on the server")


def sha256(value: object) -> str:
    """A SHA-256 hash: 64 hexadecimal digits, in lower case; raises ValueError."""
    if isinstance(value, str) and re.fullmatch("[0-9a-fA-F]{64}", value):
        return value.lower()
    raise ValueError(f"{shown(value)} is not a SHA-256 hash")


def integer(value: object, low: int, high: int) -> int:
    """An integer from `low` to `high`; raises ValueError."""
    if type(value) is int and low <= value <= high:
        return value
    raise ValueError(f"{shown(value)} is not an integer from {low:,} to {high:,}")


def number(value: object, low: float, high: float) -> float:
    """A finite number from `low` to `high`; raises ValueError."""
    if type(value) in (int, float) and low <= value <= high and math.isfinite(value):  # type: ignore[operator, arg-type]
        return float(value)  # type: ignore[arg-type]
    raise ValueError(f"{shown(value)} is not a number from {low:g} to {high:g}")


def items(value: object, convert: Callable[[Any], T]) -> tuple[T, ...]:
    """A list of at most MOST_ITEMS items, each converted; raises ValueError."""
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise ValueError(f"{shown(value)} is not a list of at most {MOST_ITEMS} items")
    return tuple(map(convert, value))


def _is_surrogate(character: str) -> bool:
    return unicodedata.category(character) == "Cs"
