"""The results as a CSV file: one row for each recording or window, and for each that failed."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TextIO

from speech_emotion.answers import Prediction
from speech_emotion.errors import OutputError, SpeechEmotionError

NAMES = ("file", "start", "end", "emotion", "probability", "finding", "warning", "error")
FORMULA = ("=", "+", "-", "@")  # a spreadsheet would compute a cell that starts so


class TableFile:
    """Writes each row at once, so that an interrupted run leaves the rows so far."""

    def __init__(self, file: TextIO, emotions: Sequence[str]) -> None:
        """Writes the names of the columns."""
        self._emotions, self._file = emotions, file
        self._writer = csv.writer(file)
        self._writer.writerow(map(_safe, [*NAMES, *emotions]))
        self.rows = self.failed = 0

    @classmethod
    @contextmanager
    def opened(cls, path: Path, emotions: Sequence[str]) -> Iterator[Self]:
        """A new file; raises OutputError if it cannot be written."""
        try:
            with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
                yield cls(file, emotions)
        except BrokenPipeError:
            raise  # of standard output
        except OSError as error:
            raise OutputError(f"{path}: not writable: {error.strerror or error}") from error

    def add(self, file: str, prediction: Prediction) -> None:
        """Writes the row of a recording or window; `emotion` is empty if there is a finding."""
        finding, warning = prediction.finding, prediction.warning
        found = {
            "file": file,
            "start": f"{prediction.start:.3f}",
            "end": f"{prediction.end:.3f}",
            "emotion": "" if finding else prediction.emotion,
            "probability": "" if finding else f"{prediction.probability:.6f}",
            "finding": finding.code if finding else "",
            "warning": warning.code if warning else "",
        }
        self._write(found, prediction.probabilities)

    def add_failure(self, file: str, error: SpeechEmotionError) -> None:
        """Writes the row of a recording that failed."""
        self.failed += 1
        self._write({"file": file, "error": str(error)}, {})

    def _write(self, found: Mapping[str, str], probabilities: Mapping[str, float]) -> None:
        numbers = [probabilities.get(emotion) for emotion in self._emotions]
        self._writer.writerow(
            [
                *(_safe(found.get(name, "")) for name in NAMES),
                *("" if number is None else f"{number:.6f}" for number in numbers),
            ]
        )
        self._file.flush()
        self.rows += 1


def _safe(text: str) -> str:
    """A text that a spreadsheet shows as it is.

    SECURITY: the server chose the names of emotions and the reasons of errors, others the names of
    files.
    """
    return f"'{text}" if text.startswith(FORMULA) else text
