"""Requests with expected answers, computed from the model files."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.models.files import is_extractor
from tests.soak.http1 import request
from tests.support.offline import open_network, predict, takes_vectors

TOLERANCE = 1e-5  # of a probability

Float64 = NDArray[np.float64]


@dataclass
class Query:
    """A request for a prediction, and the expected answer of each release of the models."""

    network: str
    body: bytes
    expected: dict[str, list[float]]  # release -> probabilities, in the order of the labels
    takes_frames: bool  # whether the network takes frames only
    _right: dict[bytes, frozenset[str]] = field(default_factory=dict)

    def request(self, *, keep_alive: bool) -> bytes:
        """The request as bytes."""
        return request(f"/prediction/{self.network}", self.body, keep_alive=keep_alive)

    def releases(self, answer: bytes) -> frozenset[str]:
        """The releases with this answer; none if the answer is wrong.

        All probabilities are compared; the result is cached for identical bytes.
        """
        found = self._right.get(answer)
        if found is None:
            found = self._right[answer] = frozenset(
                release
                for release, probabilities in self.expected.items()
                if _agrees(answer, probabilities)
            )
        return found


def make_queries(
    releases: dict[str, Path], count: int, random: np.random.Generator, length: int = 20
) -> list[Query]:
    """Vectors and frames, `count` for each network.

    releases: name -> directory with the models of a release; all serve the same networks.
    length: frames of a clip.
    """
    folders = releases.values()
    files = (path for folder in folders for path in folder.glob("*.onnx"))
    names = sorted({path.stem for path in files if not is_extractor(path)})
    queries = []
    for network in names:
        sessions = {
            release: open_network(folder / f"{network}.onnx")
            for release, folder in releases.items()
        }
        for index in range(count):
            mfccs = _frames(length, random)
            if index % 4 and any(map(takes_vectors, sessions.values())):
                mfccs = mfccs.mean(axis=0).round(4)
            body = json.dumps({"mfccs": mfccs.tolist()}).encode()
            expected = {
                release: predict(session, mfccs.astype(np.float32))
                for release, session in sessions.items()
            }
            takes_frames = not any(map(takes_vectors, sessions.values()))
            queries.append(Query(network, body, expected, takes_frames))
    return queries


def _frames(length: int, random: np.random.Generator) -> Float64:
    """Frames with the scale of speech: float64 (length, 25), decibel cepstra."""
    scale = np.array([80.0, 40.0] + [15.0] * 23)
    centre = np.array([-350.0, 70.0] + [0.0] * 23)
    return random.normal(centre, scale, (length, 25)).round(2)


def _agrees(answer: bytes, expected: Sequence[float]) -> bool:
    try:
        results: Iterable[dict[str, Any]] = json.loads(answer)["results"]
        given = [result["prediction"] for result in results]
    except (ValueError, KeyError, TypeError):
        return False
    return len(given) == len(expected) and bool(
        np.abs(np.subtract(given, expected)).max() <= TOLERANCE
    )
