"""The feature recipe: all numbers that a client and a trainer must agree on."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class FeatureRecipe:
    """Two lines of librosa 0.11; every other argument has its default.

    speech, _ = librosa.effects.trim(audio, top_db=30)
    frames = librosa.feature.mfcc(y=speech, sr=22050, n_mfcc=25).T
    """

    sample_rate: int = 22_050  # Hz; mono, float32 samples in [-1, 1]

    # Silence at both ends is removed: windows whose RMS is this far below that of the loudest.
    trim_top_db: float = 30.0
    trim_frame_length: int = 2_048
    trim_hop_length: int = 512

    n_fft: int = 2_048  # samples, 92.9 ms
    hop_length: int = 512  # samples, 23.2 ms
    window: str = "hann, periodic"
    centring: str = "n_fft / 2 zeros on both sides"
    spectrum: str = "power"

    n_mels: int = 128
    mel_scale: str = "slaney"
    mel_norm: str = "slaney, filters of equal area"
    f_min: float = 0.0  # Hz
    f_max: float = 11_025.0  # Hz

    logarithm: str = "10 log10(max(power, amin))"
    amin: float = 1e-10
    top_db: float = (
        80.0  # decibels; lower levels, relative to the maximum of the clip, are raised to this
    )

    n_mfcc: int = 25  # coefficients 0 to 24
    dct: str = "type II, orthonormal"
    pooling: str = "arithmetic mean over frames"

    def as_json(self) -> dict[str, Any]:
        """The recipe in the form of the models' metadata and of the API: names in camel case."""
        return {_camel(name): value for name, value in asdict(self).items()}

    def digest(self) -> str:
        """A short hash that changes when any value of the recipe does."""
        text = json.dumps(self.as_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


RECIPE = FeatureRecipe()
