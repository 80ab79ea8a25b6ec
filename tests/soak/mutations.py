"""Malformed bodies and requests, generated from a seed."""

import gzip
import json
import zlib
from random import Random
from typing import TYPE_CHECKING, Any

from tests.soak.http1 import request
from tests.soak.inference_mutations import InferenceMutator
from tests.soak.mutants import (
    HOLE,
    LITERALS,
    NETWORKS,
    NUMBERS,
    STRINGS,
    Mutant,
    containers,
    with_changed_bytes,
)
from training.features.recordings.statistics import STATISTICS

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = (
    '"mfccs"',
    '"mfccs"',
    '"mfccs"',
    '"MFCCs"',
    '"mfcc\\u0073"',
    '""',
    '"speaker"',
    *('"prosody"', '"baseline"', '"clips"', '"mean"', '"spread"'),
    "mfccs",
    "1",
)
CODINGS = ("chunked", "gzip", "chunked, gzip", "gzip, chunked", "xchunked", "identity")
DEPTHS = (10, 1_000, 100_000)
LARGE_PATHS = ("/prediction/DNN", "/prediction/TCN", "/init/verification", "/v2/models/DNN/infer")
LARGE_BYTES = 1_000_000  # of a body
LARGE_PARTS = (  # repeated between a prefix and a suffix
    ('{"mfccs":[', "[],", "[]]}"),
    ('{"mfccs":[', "[1],", "[1]]}"),
    ('{"mfccs":[', "1,", "1]}"),
    ('{"mfccs":[', f"[{'1,' * 24}1],", f"[{'1,' * 24}2]]}}"),
    ('{"mfccs":[', f"[{'1,' * 24}1],", "[1]]}"),
    ('{"mfccs":[', '"",', '""]}'),
    ('{"mfccs":[', "{},", "{}]}"),
    ('{"mfccs":[', "1e999,", "1]}"),
    ('{"mfccs":[', f"{'9' * 400},", "1]}"),
    ('{"mfccs":"', "a", '"}'),
    ('{"mfccs":"', "\\u0041", '"}'),
    ("{", '"mfccs":[],', '"mfccs":[]}'),
    (f'{{"mfccs":[{"1," * 24}1],"prosody":[', "[],", "[]]}"),
    (f'{{"mfccs":[{"1," * 24}1],"prosody":[', "1,", "1]}"),
    (f'{{"mfccs":[{"1," * 24}1],"prosody":[', "[1,2,3],", "[1]]}"),
    (f'{{"mfccs":[{"1," * 24}1],"baseline":{{"mfccs":{{"mean":[', "1,", "1]}}}"),
    (f'{{"mfccs":[{"1," * 24}1],"baseline":', '{"a":', "1}}"),
    ('{"mfccs":[', " ", "1]}"),
    ('{"inputs":[', "{},", "{}]}"),
    ('{"inputs":[{"name":"mfccs","shape":[1,25],"datatype":"FP32","data":[', "[],", "[]]}]}"),
    ('{"inputs":[{"name":"mfccs","shape":[1,25],"datatype":"FP32","data":[', "1,", "1]}]}"),
    ('{"id":"', "a", '"}'),
)


class Mutator:
    """Generates requests; the same seed gives the same requests."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._kinds: tuple[tuple[float, Callable[[], Mutant]], ...] = (
            (40, self._from_grammar),
            (20, self._with_changed_bytes),
            (20, self._with_another_member),
            (10, self._random_bytes),
            (8, self._other_encoding),
            (6, self._compressed),
            (6, self._chunked),
            (6, self._contradictory),
            (1, self._deep),
            (0.3, self._large),
            (5, self._verification),
            (3, self._good),
            (50, InferenceMutator(self._random).make),
        )

    def make(self) -> Mutant:
        """The next request."""
        weights, makers = zip(*self._kinds, strict=True)
        maker: Callable[[], Mutant] = self._random.choices(makers, weights)[0]
        return maker()

    def _good(self) -> Mutant:
        return self._framed("good", self._vector())

    def _from_grammar(self) -> Mutant:
        return self._framed("grammar", self._value(self._random.randrange(5)).encode())

    def _with_changed_bytes(self) -> Mutant:
        body = with_changed_bytes(self._vector(), self._random)
        return self._framed("changed bytes", body)

    def _with_another_member(self) -> Mutant:
        """Prosody and a baseline, with a part that is missing or has another value."""
        body: Any = {"mfccs": self._rows(25), "prosody": [self._shares(3) for _ in range(4)]}
        if self._random.random() < 0.5:
            body |= {"mfccs": self._numbers(25), "prosody": self._shares(len(STATISTICS))}
        prosody = {"mean": self._shares(3), "spread": [1.0] * 3}
        body["baseline"] = {"clips": 7, "mfccs": self._moments(25), "prosody": prosody}
        place = self._random.choice(list(containers(body)))
        key = self._random.choice(range(len(place)) if isinstance(place, list) else [*place])
        if self._random.random() < 0.3:
            del place[key]
        elif self._random.random() < 0.8:
            place[key] = HOLE
        choices = (*NUMBERS, *STRINGS, *LITERALS, "[]", "[[]]", "[[1,2,3]]", "[1,2,3]")
        text = json.dumps(body).replace(f'"{HOLE}"', self._random.choice(choices)).encode()
        if self._random.random() < 0.2:
            text = with_changed_bytes(text, self._random)
        return self._framed("prosody and baseline", text)

    def _random_bytes(self) -> Mutant:
        return self._framed("random bytes", self._random.randbytes(self._random.randrange(2_000)))

    def _other_encoding(self) -> Mutant:
        name = self._random.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037", "utf-7"))
        body = self._vector().decode().encode(name)
        content_type = self._random.choice(
            ("application/json", f"application/json; charset={name}")
        )
        return self._framed("other encoding", body, f"Content-Type: {content_type}")

    def _compressed(self) -> Mutant:
        plain = self._random.choice((self._vector(), b" " * 200_000, b""))
        body = self._random.choice((gzip.compress, zlib.compress))(plain)
        named = self._random.choice(("gzip", "deflate", "br", "identity", "gzip, gzip", "*", ""))
        return self._framed("compressed", body, f"Content-Encoding: {named}")

    def _chunked(self) -> Mutant:
        body, choose = self._vector(), self._random.choice
        size = choose((f"{len(body):x}", f"{len(body):X};a=b", f"{len(body) + 1:x}", "-1", "g", ""))
        size = choose((size, "f" * 17, f"0x{len(body):x}", f"{len(body):x}"))
        end = choose((b"\r\n0\r\n\r\n", b"\r\n0\r\nX: y\r\n\r\n", b"0\r\n\r\n", b"\r\n"))
        head = (
            f"POST /prediction/{choose(NETWORKS)} HTTP/1.1\r\nHost: a\r\n"
            f"Transfer-Encoding: chunked\r\n\r\n{size}\r\n"
        )
        return Mutant("chunked", head.encode() + body + end, framed=False)

    def _contradictory(self) -> Mutant:
        body, choose = self._vector(), self._random.choice
        length = choose(
            ("0", "1", "99999999999", "-1", "+1", "1.0", "1,1", " ", f"{2**64 + 1}", "x")
        )
        right = f"Content-Length: {len(body)}\r\n"
        lines = choose(
            (
                f"Content-Length: {length}\r\n",
                f"{right}Content-Length: {length}\r\n",
                f"{right}Transfer-Encoding: chunked\r\n",
                f"Content-Length : {len(body)}\r\n",
                f"Transfer-Encoding: {choose(CODINGS)}\r\n",
            )
        )
        head = f"POST /prediction/DNN HTTP/1.1\r\nHost: a\r\n{lines}\r\n"
        return Mutant("contradictory length", head.encode() + body, framed=False)

    def _deep(self) -> Mutant:
        depth = self._random.choice(DEPTHS)
        opening, closing = self._random.choice((("[", "]"), ('{"mfccs":', "}")))
        closing *= self._random.randrange(2)
        body = f'{{"mfccs":{opening * depth}{closing * depth}}}'
        return self._framed("deep nesting", body.encode())

    def _large(self) -> Mutant:
        """A body of nearly the maximum size, with a hundred thousand parts or one long one."""
        before, part, after = self._random.choice(LARGE_PARTS)
        body = before + part * (LARGE_BYTES // len(part)) + after
        path = self._random.choice(LARGE_PATHS)
        return Mutant("large", request(path, body.encode()), framed=True)

    def _verification(self) -> Mutant:
        """A body for the verification of features."""
        grammar = self._value(self._random.randrange(5)).encode()
        body = self._random.choice((grammar, with_changed_bytes(self._vector(), self._random)))
        return Mutant("verification", request("/init/verification", body), framed=True)

    def _framed(self, kind: str, body: bytes, *headers: str) -> Mutant:
        path = f"/prediction/{self._random.choice(NETWORKS)}"
        return Mutant(kind, request(path, body, headers=headers), framed=True)

    def _vector(self) -> bytes:
        values = [self._random.uniform(-500, 500) for _ in range(25)]
        return json.dumps({"mfccs": values}).encode()

    def _numbers(self, count: int) -> list[float]:
        return [round(self._random.uniform(-50, 50), 3) for _ in range(count)]

    def _shares(self, count: int) -> list[float]:
        """Numbers that are within the range of everything in prosody."""
        return [round(self._random.random(), 3) for _ in range(count)]

    def _rows(self, width: int) -> list[list[float]]:
        return [self._numbers(width) for _ in range(4)]

    def _moments(self, width: int) -> dict[str, list[float]]:
        return {"mean": self._numbers(width), "spread": [1.0] * width}

    def _value(self, depth: int) -> str:
        """Valid or invalid JSON: objects with `mfccs` outside, numbers inside."""
        choose = self._random.choice
        if depth == 0:
            return choose((choose(NUMBERS), choose(NUMBERS), choose(STRINGS), choose(LITERALS)))
        if self._random.random() < 0.6:
            count = choose((0, 1, 2, 3))
            members = [f"{choose(KEYS)}:{self._value(depth - 1)}" for _ in range(count)]
            return "{" + choose((",", ",", ",,", " ")).join(members) + choose(("}", "}", "", ",}"))
        count = choose((0, 1, 24, 25, 25, 25, 26))
        items = [choose(("1", "-2.5", choose(NUMBERS)))] * count
        if depth > 1 and count:
            items = [self._value(depth - 1) for _ in range(min(count, 3))]
        return "[" + ",".join(items) + choose(("]", "]", "]", ""))
