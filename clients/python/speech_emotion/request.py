"""The body of a prediction request: the members that a network takes."""

from typing import Any

import numpy as np

from speech_emotion.audio import Float32
from speech_emotion.contract import NetworkDescription
from speech_emotion.extraction.features import Features
from speech_emotion.profiles.baseline import DECIMALS, Baseline


def members_of(
    features: Features, network: NetworkDescription, baseline: Baseline | None
) -> dict[str, Any]:
    """The body of a request: the MFCCs, and what else is known and of use to the network."""
    is_vector = network.input == "vector"
    prosody = features.statistics if is_vector else features.prosody
    members: dict[str, Any] = {"mfccs": rounded(features.vector if is_vector else features.frames)}
    if network.takes_prosody and prosody is not None:
        members["prosody"] = rounded(prosody)
    if network.takes_baseline and baseline and baseline.clips:
        members["baseline"] = baseline.document()
    return members


def rounded(array: Float32) -> list[Any]:
    """Lists of numbers with few digits: float32 has no more at this magnitude."""
    rounded: list[Any] = np.round(array.astype(np.float64), DECIMALS).tolist()
    return rounded
