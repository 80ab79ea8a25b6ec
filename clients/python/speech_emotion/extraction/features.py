"""The features of one clip, and the check of what an extractor returned for them."""

from dataclasses import dataclass, replace
from itertools import starmap

import numpy as np
from speech_emotion_worker import pipes

from speech_emotion.audio import Float32
from speech_emotion.contract import PROSODY_COLUMNS
from speech_emotion.errors import ExtractorError

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Features:
    """The features of one clip, `start` to `end` seconds after the recording's beginning."""

    start: float
    end: float
    frames: Float32  # MFCCs, (T, coefficients)
    vector: Float32  # (coefficients,), the mean of the frames
    prosody: Float32 | None = None  # (T, 3): log F0, voicing, level
    statistics: Float32 | None = None  # of the prosody, (P,)

    def moved_to(self, start: float) -> "Features":
        """The same of a clip that begins `start` seconds after the recording's beginning."""
        return replace(self, start=start, end=start + self.end - self.start)


@dataclass(frozen=True)
class Expected:
    """What an extractor may return for one clip."""

    most_frames: int
    coefficients: int
    statistics: int  # of prosody; 0: no prosody

    @property
    def outputs(self) -> dict[str, tuple[int, int]]:
        """By name, in order: the largest number of rows, and the columns; a vector is one row."""
        mfccs = {"frames": (self.most_frames, self.coefficients), "mfccs": (1, self.coefficients)}
        if not self.statistics:
            return mfccs
        return mfccs | {
            "prosody": (self.most_frames, len(PROSODY_COLUMNS)),
            "prosody_statistics": (1, self.statistics),
        }

    @property
    def largest(self) -> int:
        """The bytes of the largest correct answer."""
        return sum(starmap(_bytes, self.outputs.values()))

    def read(self, answer: bytes, start: float, end: float) -> Features:
        """The features in an answer of the extractor's process.

        SECURITY: an extractor that returns the audio itself is refused here, before anything is
        sent.

        Raises:
            ExtractorError: an output has another shape, or contains a value that is not finite.
        """
        arrays: list[Float32] = []
        at = 0
        for name, (most, columns) in self.outputs.items():
            array = _array(answer, at, name, most, columns)
            arrays.append(array)
            at += _bytes(*array.shape)
        frames, vector, *prosody = arrays
        if prosody and len(prosody[0]) != len(frames):
            raise ExtractorError(
                f"The server's extractor returns {len(frames)} frames, but prosody of "
                f"{len(prosody[0])}. They were not sent."
            )
        if at != len(answer):
            raise ExtractorError("The server's extractor returns more than its outputs.")
        # Both or neither.
        pitch, pooled = (prosody[0], prosody[1][0]) if prosody else (None, None)
        return Features(start, end, frames, vector[0], pitch, pooled)


def _array(answer: bytes, at: int, name: str, most: int, columns: int) -> Float32:
    """The output of that name, (rows, columns), with `at` most so many rows."""
    found = pipes.SHAPE.unpack_from(answer[at : at + pipes.SHAPE.size].ljust(16, b"\0"))
    rows = found[0]
    if found[1] != columns or not 1 <= rows <= most:
        shape = f"({rows}, {found[1]})"
        expected = f"(1 to {most}, {columns})"
        raise ExtractorError(
            f"The server's extractor returns {name} of shape {shape}; expected {expected}. "
            "They were not sent."
        )
    start = at + pipes.SHAPE.size
    if len(answer) < at + _bytes(rows, columns):
        raise ExtractorError(f"The server's extractor returns {name} that are cut off.")
    array = np.frombuffer(answer, np.float32, rows * columns, start).reshape(rows, columns)
    if not np.isfinite(array).all():
        raise ExtractorError(f"The server's extractor returns {name} that are not finite.")
    return array


def _bytes(rows: int, columns: int) -> int:
    return pipes.SHAPE.size + rows * columns * FLOAT_BYTES
