"""The table `emotions.csv`: which label a name of an emotion stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.corpora.reader import EMOTIONS
from training.corpora.table import Row, read_table

FILE = "emotions.csv"
LABELS = (*EMOTIONS, "bored")
LEFT_OUT = "-"


@dataclass(frozen=True)
class EmotionNames:
    """Labels need no row in the table."""

    path: Path
    labels: Mapping[str, str]  # by name

    @classmethod
    def read(cls, folder: Path) -> "EmotionNames":
        """The table of a folder, which may lack it.

        Raises:
            CorpusError: it is not a table of `name,emotion` with known emotions.
        """
        path = folder / FILE
        rows = read_table(path, ("name", "emotion"), ()) if path.exists() else []
        return cls(path, {row["name"].lower(): _label(row) for row in rows})

    def label(self, name: str) -> str:
        """The label that a name stands for, or `LEFT_OUT`.

        Raises:
            ValueError: neither a label nor in the table.
        """
        found = self.labels.get(name.lower()) or (name.lower() if name.lower() in LABELS else None)
        if found is None:
            raise ValueError(
                f"emotion {name!r} is none of {', '.join(LABELS)}, and {self.path} has no row for "
                f"it; a row is name,emotion, and the emotion {LEFT_OUT} leaves clips out"
            )
        return found


def _label(row: Row) -> str:
    if row["emotion"] not in (*LABELS, LEFT_OUT):
        raise row.error(
            f"emotion {row['emotion']!r} is none of {', '.join(LABELS)}, or {LEFT_OUT} to leave out"
        )
    return row["emotion"]
