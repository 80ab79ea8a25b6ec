"""Request bodies: vectors of 25 MFCCs in the formats of the contenders."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Vector = tuple[float, ...]

# Rounded as clients do.
CLIP: Vector = (
    *(-412.613, 58.207, -13.944, 11.502, -9.871, -5.233, -14.806, -7.119, -8.934, -2.541),
    *(-5.087, -0.763, -4.412, -1.905, -3.378, 0.284, -2.996, -1.147, -2.083, -0.519),
    *(-1.724, 0.631, -1.268, -0.407, -0.955),
)
OTHER_CLIPS: tuple[Vector, ...] = (tuple(-x for x in CLIP), tuple(x / 3 + 1 for x in CLIP))


@dataclass(frozen=True)
class Payload:
    """A format of bodies and answers.

    rows: the number of predictions of a body, all for the same vector.
    """

    write: Callable[[list[Vector]], Any]
    read: Callable[[Any], list[float]]
    rows: int = 1

    def body(self, vector: Vector) -> bytes:
        """The body of a request."""
        return json.dumps(self.write([vector] * self.rows), separators=(",", ":")).encode()

    def probabilities(self, answer: bytes) -> list[float]:
        """The probabilities in an answer, row by row."""
        return self.read(json.loads(answer))


def _v2_request(vectors: list[Vector]) -> dict[str, Any]:
    shape = [len(vectors), len(vectors[0])]
    data = [value for vector in vectors for value in vector]
    tensor = {"name": "mfccs", "shape": shape, "datatype": "FP32", "data": data}
    return {"inputs": [tensor], "outputs": [{"name": "probabilities"}]}


def _v2_probabilities(answer: Any) -> list[float]:
    found: list[float] = next(o["data"] for o in answer["outputs"] if o["name"] == "probabilities")
    return found


MFCCS = Payload(
    lambda vectors: {"mfccs": vectors[0]},
    lambda answer: [result["prediction"] for result in answer["results"]],
)
V2 = Payload(_v2_request, _v2_probabilities)
V2_BATCH = Payload(_v2_request, _v2_probabilities, rows=1_024)
