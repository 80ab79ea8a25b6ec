"""Malformed requests, and the texts that they are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

NETWORKS = (*("DNN", "CNN", "dnn", "cNn", "DNN-prosody") * 4, "RNN", "mfcc", "%2e%2e", "")
NUMBERS = (
    *("0", "-0", "1", "-1.5", "1e5", "1E-5", "3.4028235e38", "3.5e38", "-1e39", "1e308", "1e999"),
    *("9" * 30, "9" * 400, "0." + "3" * 400, "1e-999", "-1e400", "NaN", "Infinity", "-Infinity"),
    *("01", "+1", ".5", "5.", "1e", "0x10", "1_000", "--1", "1e+400000000"),
)
STRINGS = (
    '""',
    '"1"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\x41"',
    '"mfccs"',
    '"\t"',
    '"' + "a" * 500 + '"',
)
HOLE = "placeholder"  # a text that another replaces
LITERALS = ("true", "false", "null", "True", "nul", "undefined", "{}", "[]", "")


@dataclass(frozen=True)
class Mutant:
    """A request as bytes."""

    kind: str
    data: bytes
    framed: bool  # whether the body has the announced length, so that another request may follow


def with_changed_bytes(content: bytes, random: Random) -> bytes:
    """Removes, doubles or overwrites bytes in up to eight places."""
    body = bytearray(content)
    for _ in range(random.randint(1, 8)):
        start = random.randrange(len(body) + 1)
        end = start + random.randrange(6)
        body[start:end] = random.choice(
            (b"", bytes(body[start:end]) * 2, random.randbytes(2), b",", b"[", b"}")
        )
    return bytes(body)


def containers(value: Any) -> Iterator[Any]:
    """All lists and objects in a JSON value."""
    if isinstance(value, dict | list):
        yield value
        for member in value.values() if isinstance(value, dict) else value:
            yield from containers(member)
