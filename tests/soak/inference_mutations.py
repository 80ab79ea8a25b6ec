"""Malformed inference requests, in JSON and with binary tensors."""

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from tests.soak.http1 import request
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

JSON_BYTES = "Inference-Header-Content-Length"
LENGTHS_OF_JSON = ("0", "-1", "+1", "1e3", "", " ", "1,1", "0x1", "٣", "9" * 400, "99999999")
MEMBERS = (
    *("id", "inputs", "outputs", "parameters", "name", "shape", "datatype", "data"),
    *("binary_data_size", "binary_data", "binary_data_output", "classification"),
    *("prosody", "baseline"),
)
VALUES = (  # valid JSON with unexpected types or sizes
    *("-1", "0", "1", "25", "100", "2147483647", "2147483648", "9223372036854775808", "1.5"),
    *("true", "null", "[]", "{}", '""', '"mfccs"', '"frames"', '"FP64"', '"INT64"', '"BYTES"'),
    *("[1]", "[[1]]", "[0, 25]", "[1, 25, 1]", "[2147483647, 2147483647, 25]", '{"classes": 1}'),
    *('[{"name": "distance"}]', '{"classification": 3}', '{"binary_data_size": 100}'),
)
NO_FLOATS = tuple(array("f", [value]).tobytes() for value in (float("nan"), float("-inf")))


@dataclass(frozen=True)
class _Inference:
    """A request: JSON, and the bytes of binary tensors after it."""

    network: str
    document: Any
    data: bytes

    @property
    def text(self) -> bytes:
        return json.dumps(self.document).encode()


class InferenceMutator:
    """Makes requests for `/v2/models/NETWORK/infer` by changing valid ones."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._kinds: tuple[tuple[int, Callable[[], Mutant]], ...] = (
            (30, lambda: self._with_holes("inference: values", VALUES)),
            (20, lambda: self._with_holes("inference: texts", (*NUMBERS, *STRINGS, *LITERALS))),
            (20, self._with_changed_bytes),
            (10, self._with_other_data),
            (10, self._with_another_length),
            (5, self._elsewhere),
            (5, lambda: self._post("inference: good", self._good())),
        )

    def make(self) -> Mutant:
        """The next request."""
        weights, makers = zip(*self._kinds, strict=True)
        maker: Callable[[], Mutant] = self._random.choices(makers, weights)[0]
        return maker()

    def _with_holes(self, kind: str, fillings: Sequence[str]) -> Mutant:
        """Replaces one or two members or numbers."""
        good = self._good()
        for _ in range(self._random.randint(1, 2)):
            self._make_hole(good.document)
        text = good.text.decode()
        while f'"{HOLE}"' in text:
            text = text.replace(f'"{HOLE}"', self._random.choice(fillings), 1)
        return self._post(kind, good, text.encode())

    def _make_hole(self, document: Any) -> None:
        place = self._random.choice(list(containers(document)))
        if isinstance(place, list):
            start = self._random.randrange(len(place) + 1)
            place[start : start + self._random.randrange(2)] = [HOLE]
        elif self._random.random() < 0.2:
            place.pop(self._random.choice((*place, "")), None)
        else:
            place[self._random.choice((*place, self._random.choice(MEMBERS)))] = HOLE

    def _with_changed_bytes(self) -> Mutant:
        """Changes bytes of the JSON, before its length is measured, or of the whole body."""
        good, kind = self._good(), "inference: changed bytes"
        if self._random.random() < 0.5:
            return self._post(kind, good, with_changed_bytes(good.text, self._random))
        body = with_changed_bytes(good.text + good.data, self._random)
        return _posted(kind, good.network, body, str(len(good.text)) if good.data else None)

    def _with_other_data(self) -> Mutant:
        """Binary numbers that are not finite, too many or too few."""
        good, choose = self._good(binary=True), self._random.choice
        place = 4 * self._random.randrange(len(good.data) // 4)
        before, after = good.data[:place], good.data[place + 4 :]
        data = choose((before + choose(NO_FLOATS) + after, before, good.data * 2, good.data + b"1"))
        return self._post("inference: data", replace(good, data=data))

    def _with_another_length(self) -> Mutant:
        """Puts a wrong length of the JSON into the header."""
        good = self._good()
        near = (str(len(good.text) + step) for step in (-1, 1, 10))
        length = self._random.choice((*LENGTHS_OF_JSON, *near))
        return _posted("inference: length", good.network, good.text + good.data, length)

    def _elsewhere(self) -> Mutant:
        network = self._random.choice((*NETWORKS, "TCN", "DNN/versions/1", "DNN/versions/%00"))
        return self._post("inference: elsewhere", replace(self._good(), network=network))

    def _good(self, *, binary: bool | None = None) -> _Inference:
        """A valid request for a vector network or a frame network."""
        random, choose = self._random, self._random.choice
        binary = choose((True, False)) if binary is None else binary
        rows, length = random.randint(1, 3), random.randint(10, 14)
        frames = random.random() < 0.3
        if frames:
            lengths = array("q", [random.randint(10, length) for _ in range(rows)])
            tensors = [
                _tensor("frames", (rows, length, 25), self._numbers(rows * length * 25), binary),
                _tensor("lengths", (rows,), lengths, binary),
            ]
        else:
            tensors = [_tensor("mfccs", (rows, 25), self._numbers(rows * 25), binary)]
        voice = not frames and random.random() < 0.4
        if voice:
            statistics = len(STATISTICS)
            pooled = self._shares(rows * statistics)
            tensors.append(_tensor("prosody", (rows, statistics), pooled, binary))
            baselines = array("f", [*self._shares(56), 7.0] * rows)
            tensors.append(_tensor("baseline", (rows, 57), baselines, binary))
        document: dict[str, Any] = {"inputs": [tensor for tensor, _ in tensors]}
        if random.random() < 0.3:
            document |= {"id": "a", "parameters": {"binary_data_output": choose((True, False))}}
        if random.random() < 0.3:
            document["outputs"] = [{"name": "probabilities", "parameters": {"classification": 2}}]
        network = "TCN" if frames else "DNN-prosody" if voice else "DNN"
        return _Inference(network, document, b"".join(data for _, data in tensors))

    def _shares(self, count: int) -> "array[float]":
        """Numbers that are within the range of everything in prosody."""
        return array("f", [self._random.random() for _ in range(count)])

    def _numbers(self, count: int) -> "array[float]":
        return array("f", [self._random.randrange(-500, 500) for _ in range(count)])

    def _post(self, kind: str, inference: _Inference, text: bytes | None = None) -> Mutant:
        """text: replaces the JSON."""
        text = inference.text if text is None else text
        length = str(len(text)) if inference.data else None
        return _posted(kind, inference.network, text + inference.data, length)


def _tensor(
    name: str, shape: tuple[int, ...], numbers: "array[float] | array[int]", binary: bool
) -> tuple[dict[str, Any], bytes]:
    """The tensor in the JSON, and its bytes after the JSON."""
    tensor: dict[str, Any] = {"name": name, "shape": [*shape]}
    tensor["datatype"] = {"f": "FP32", "q": "INT64"}[numbers.typecode]
    if not binary:
        return tensor | {"data": numbers.tolist()}, b""
    data = numbers.tobytes()
    return tensor | {"parameters": {"binary_data_size": len(data)}}, data


def _posted(kind: str, network: str, body: bytes, length_of_json: str | None) -> Mutant:
    headers = () if length_of_json is None else (f"{JSON_BYTES}: {length_of_json}",)
    return Mutant(kind, request(f"/v2/models/{network}/infer", body, headers=headers), framed=True)
