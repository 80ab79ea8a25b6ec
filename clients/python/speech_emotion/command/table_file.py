"""The results as a CSV file: one row for each recording or window, and for each that failed."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TextIO

from speech_emotion.answers import Prediction
from speech_emotion.errors import OutputError, SpeechEmotionError

FORMULA = ("=", "+", "-", "@")  # a spreadsheet would compute a cell that starts so


class TableFile:
    """Writes each row at once, so that an interrupted run leaves the rows so far."""

    def __init__(self, file: TextIO, emotions: Sequence[str]) -> None:
        """Writes the names of the columns."""
        names = ["file", "start", "end", "emotion", "probability", "finding", "warning", "error"]
        # SECURITY: the server chose the names of the emotions.
        safe = [f"'{name}" if name.startswith(FORMULA) else name for name in emotions]
        self._columns = dict(zip(emotions, safe, strict=True))
        self._file = file
        self._writer = csv.DictWriter(file, [*names, *safe])
        self._writer.writeheader()
        self.rows = self.failed = 0

    @classmethod
    @contextmanager
    def opened(cls, path: Path, emotions: Sequence[str]) -> Iterator[Self]:
        """A new file; raises OutputError if it cannot be written."""
        try:
            with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
                yield cls(file, emotions)
        except OSError as error:
            raise OutputError(f"{path}: not writable: {error.strerror or error}") from error

    def add(self, file: str, prediction: Prediction) -> None:
        """Writes the row of a recording or window; `emotion` is empty if there is a finding."""
        finding, warning = prediction.finding, prediction.warning
        probabilities = prediction.probabilities.items()
        self._write(
            file=file,
            start=f"{prediction.start:.3f}",
            end=f"{prediction.end:.3f}",
            emotion="" if finding else self._columns[prediction.emotion],
            probability="" if finding else f"{prediction.probability:.6f}",
            finding=finding.code if finding else "",
            warning=warning.code.lstrip("".join(FORMULA)) if warning else "",
            **{self._columns[emotion]: f"{value:.6f}" for emotion, value in probabilities},
        )

    def add_failure(self, file: str, error: SpeechEmotionError) -> None:
        """Writes the row of a recording that failed."""
        self.failed += 1
        self._write(file=file, error=str(error))

    def _write(self, **cells: str) -> None:
        self._writer.writerow(cells)
        self._file.flush()
        self.rows += 1
