"""Runs a network on extreme inputs before it is served."""

from collections.abc import Iterator
from itertools import combinations, product
from typing import Literal

import numpy as np

from server.models.files import ModelFileError
from server.models.predictors import Array, OptionalInputs, Predict

PROBE_FRAMES = 10
PROBE_VALUES = (0.0, -500.0, float(np.finfo(np.float32).max))


def check_predictions(
    predict: Predict, optional: OptionalInputs, kind: Literal["vector", "frames"], n_mfcc: int
) -> None:
    """Checks that a network returns probabilities for extreme inputs of its kind.

    Raises:
        ModelFileError: names the input, and what the network returned.
    """
    shape = (n_mfcc,) if kind == "vector" else (PROBE_FRAMES, n_mfcc)
    for value in PROBE_VALUES:
        mfccs = np.full(shape, value, np.float32)
        _probe(predict, f"an input of {value}", mfccs)
        for some, other in product(_combinations(optional), (value, -value, 0.0)):
            names = " and ".join(member.name for member in some)
            place = f"an input of {value} with {names} of {other}"
            _probe(predict, place, mfccs, **_probe_members(some, other))


def _combinations(optional: OptionalInputs) -> Iterator[OptionalInputs]:
    """Each optional input alone, and all together."""
    for count in {1, len(optional)} if optional else ():
        yield from combinations(optional, count)


def _probe_members(optional: OptionalInputs, value: float) -> dict[str, Array]:
    """Optional inputs of one value; a baseline has no negative spread, and at least one clip."""
    members = {
        member.name: np.full_like(member.zeros(1, PROBE_FRAMES)[0], value) for member in optional
    }
    if (baseline := members.get("baseline")) is not None:
        spread_and_clips = baseline[len(baseline) // 2 :]
        spread_and_clips[:] = abs(value)
        baseline[-1] = 1.0
    return members


def _probe(predict: Predict, place: str, mfccs: Array, **members: Array) -> None:
    try:
        probabilities, *distances = predict(mfccs, **members)
    # NOTE: ONNX Runtime's exceptions share no base class but Exception.
    except Exception as error:  # noqa: BLE001
        reason = str(error).replace("std::bad_alloc", "it needs too much memory")
        raise ModelFileError(f"fails on {place}: {reason}") from None
    if not np.isfinite([*probabilities, *distances]).all() or abs(sum(probabilities) - 1) > 1e-4:
        distance, baseline_distance = distances
        also = f", distance from the baseline {baseline_distance}" if members else ""
        raise ModelFileError(
            f"gives {probabilities}, distance {distance}{also} for {place}; "
            "expected probabilities that sum to 1 and a finite distance"
        )
