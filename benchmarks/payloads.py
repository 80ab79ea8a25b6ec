"""What is posted: one vector of 25 MFCCs, in the two forms that the contenders read."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Vector = tuple[float, ...]

# Rounded as a client rounds them.
CLIP: Vector = (
    *(-412.613, 58.207, -13.944, 11.502, -9.871, -5.233, -14.806, -7.119, -8.934, -2.541),
    *(-5.087, -0.763, -4.412, -1.905, -3.378, 0.284, -2.996, -1.147, -2.083, -0.519),
    *(-1.724, 0.631, -1.268, -0.407, -0.955),
)
OTHER_CLIPS: tuple[Vector, ...] = (tuple(-x for x in CLIP), tuple(x / 3 + 1 for x in CLIP))


@dataclass(frozen=True)
class Payload:
    """A kind of body, and where its answer holds the probabilities."""

    write: Callable[[Vector], Any]
    read: Callable[[Any], list[float]]

    def body(self, vector: Vector) -> bytes:
        """The body of a request for one prediction."""
        return json.dumps(self.write(vector), separators=(",", ":")).encode()

    def probabilities(self, answer: bytes) -> list[float]:
        """Those in the answer's body."""
        return self.read(json.loads(answer))


def _v2_request(vector: Vector) -> dict[str, Any]:
    shape = [1, len(vector)]
    tensor = {"name": "mfccs", "shape": shape, "datatype": "FP32", "data": list(vector)}
    return {"inputs": [tensor]}


def _v2_probabilities(answer: Any) -> list[float]:
    found: list[float] = next(o["data"] for o in answer["outputs"] if o["name"] == "probabilities")
    return found


MFCCS = Payload(
    lambda vector: {"mfccs": vector},
    lambda answer: [result["prediction"] for result in answer["results"]],
)
V2 = Payload(_v2_request, _v2_probabilities)
