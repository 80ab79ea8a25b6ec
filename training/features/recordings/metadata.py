"""The metadata of the extractors for recordings: what the server passes on to clients."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from training.arrays import Float32
from training.features import prosody
from training.features.recipe import RECIPE
from training.features.recordings.statistics import STATISTICS
from training.features.resampling import STAGES, Stage

FORMAT = "speech-emotion-extractor/2"
DOWNMIX = "arithmetic mean of the channels"

PROSODY = {
    "columns": ["logF0", "voicing", "level"],
    "referenceHz": prosody.REFERENCE_HZ,
    "unvoiced": prosody.UNVOICED,
    "f0Minimum": prosody.F0_MINIMUM,
    "f0Maximum": prosody.F0_MAXIMUM,
    "voicedFrom": prosody.VOICED_FROM,
    "levelMinimum": prosody.LEVEL_MINIMUM,
    "statistics": list(STATISTICS),
}


@dataclass(frozen=True)
class ReferenceClip:
    """A clip for the verification of clients, with the features that librosa computes from it."""

    name: str
    content: bytes  # of the WAV file
    sample_rate: int
    channels: int
    samples: int
    frames: Float32  # (T, 25)
    prosody: Float32  # (T, 3)
    tolerance: float  # greatest difference of a mean coefficient
    mistakes: dict[str, Any] | None = None  # None: those of `mfcc.onnx`

    @property
    def file(self) -> str:
        """The name of its file in `models/`."""
        return f"{self.name}.wav"

    def as_json(self) -> dict[str, Any]:
        """One entry of the metadata `references`."""
        values = {
            "name": self.name,
            "file": self.file,
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "sampleRate": self.sample_rate,
            "channels": self.channels,
            "samples": self.samples,
            "frames": len(self.frames),
            "mfccs": _rounded(self.frames.mean(axis=0)),
            "prosody": [_rounded(row) for row in self.prosody],
            "tolerance": {"mfccs": self.tolerance},
        }
        return values if self.mistakes is None else values | {"mistakes": self.mistakes}


def _rounded(values: Float32) -> list[float]:
    return [round(float(value), 4) for value in values]


def metadata(rate: int, references: list[ReferenceClip]) -> dict[str, str]:
    """The `metadata_props` of one file, without its checksum; all but `format` are JSON texts."""
    recording = {
        "sampleRate": rate,
        "downmix": DOWNMIX,
        "resampling": [_stage(stage) for stage in STAGES.get(rate, ())],
    }
    values = {
        "recipe": RECIPE.as_json(),
        "recording": recording,
        "prosody": PROSODY,
        "references": [reference.as_json() for reference in references],
    }
    texts = {key: json.dumps(value, separators=(",", ":")) for key, value in values.items()}
    return {"format": FORMAT, **texts}


def _stage(stage: Stage) -> dict[str, float]:
    values = asdict(stage)
    return {"halfLength" if name == "half_length" else name: values[name] for name in values}
