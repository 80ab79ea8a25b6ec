"""CSV files with a header; every error names the file and the line."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.corpora.reader import CorpusError


@dataclass(frozen=True)
class Row:
    """One line, by column."""

    path: Path
    line: int
    values: dict[str, str]

    def __getitem__(self, column: str) -> str:
        """The text of a cell without blanks at its ends; empty where the column is not there."""
        return self.values.get(column, "")

    def error(self, message: str) -> CorpusError:
        """An error that names the file and the line."""
        return CorpusError(f"{self.path}:{self.line}: {message}")


def read_table(
    path: Path, required: Sequence[str], optional: Sequence[str] | None = None
) -> list[Row]:
    """The rows of a CSV file in UTF-8.

    Args:
        path: the file.
        required: columns that it must have.
        optional: those that it may have besides; by default any.

    Raises:
        CorpusError: it cannot be read, a column is missing, repeated or unknown, or a row has
            another number of cells than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_rows(path, file, required, optional))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: cannot be read as a table: {error}") from error


def _rows(
    path: Path, lines: Iterator[str], required: Sequence[str], optional: Sequence[str] | None
) -> Iterator[Row]:
    reader = csv.reader(lines, strict=True)
    columns = [cell.strip() for cell in next(reader, [])]
    _check_header(path, columns, required, optional)
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        row = Row(path, reader.line_num, dict(zip(columns, map(str.strip, cells), strict=False)))
        if len(cells) != len(columns):
            raise row.error(f"{len(cells)} cells; the header has {len(columns)}")
        empty = [column for column in required if not row[column]]
        if empty:
            raise row.error(f"{empty[0]} is empty")
        yield row


def _check_header(
    path: Path, columns: Sequence[str], required: Sequence[str], optional: Sequence[str] | None
) -> None:
    known = ",".join(required) + "".join(f"[,{name}]" for name in optional or ())
    unknown = [] if optional is None else sorted(set(columns) - {*required, *optional})
    problems = [
        *(f"no column {name!r}" for name in required if name not in columns),
        *(f"unknown column {name!r}" for name in unknown),
        *(f"column {name!r} twice" for name in set(columns) if columns.count(name) > 1),
    ]
    if problems:
        raise CorpusError(
            f"{path}:1: {problems[0]}; the header is {','.join(columns)!r}, expected {known}"
        )
