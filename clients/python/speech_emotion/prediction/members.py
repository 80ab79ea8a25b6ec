"""What a prediction request says of a clip, and its JSON."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from speech_emotion.audio import Float32
from speech_emotion.contract import NetworkDescription
from speech_emotion.extraction.features import Features
from speech_emotion.profiles.baseline import Baseline

# Of a posted number. With these, no probability of the networks in models/ changes by 1e-4.
MFCC_DECIMALS = 3
PROSODY_DECIMALS = 5  # a network multiplies prosody by larger weights


@dataclass(frozen=True)
class Members:
    """The MFCCs of a clip, and what else is known of it and of use to the network."""

    mfccs: Float32  # (coefficients,) for a network that takes vectors, otherwise (T, coefficients)
    prosody: Float32 | None = None  # its statistics (P,) beside a vector, otherwise (T, 3)
    baseline: Baseline | None = None  # of one clip or more

    def document(self) -> dict[str, Any]:
        """The JSON members of `POST /prediction`, rounded."""
        members: dict[str, Any] = {"mfccs": _rounded(self.mfccs, MFCC_DECIMALS)}
        if self.prosody is not None:
            members["prosody"] = _rounded(self.prosody, PROSODY_DECIMALS)
        if self.baseline is not None:
            members["baseline"] = self.baseline.document()
        return members


def members_of(
    features: Features, network: NetworkDescription, baseline: Baseline | None
) -> Members:
    """What a network takes of these features."""
    is_vector = network.input == "vector"
    prosody = features.statistics if is_vector else features.prosody
    return Members(
        features.vector if is_vector else features.frames,
        prosody if network.takes_prosody else None,
        baseline if network.takes_baseline and baseline and baseline.clips else None,
    )


def _rounded(array: Float32, decimals: int) -> list[Any]:
    """Lists of numbers with few digits."""
    rounded: list[Any] = np.round(array.astype(np.float64), decimals).tolist()
    return rounded
