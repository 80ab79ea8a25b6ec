"""Folds by speaker, made here or read from a file."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

from training.errors import UserError

FOLDS = 5
MINIMUM_FOLDS = 3  # one is held out, one is for calibration or model selection, one is for training
LEAST_FOLDS = 2  # without inner folds
COLUMNS = ("speaker", "fold")

Fold = tuple[str, ...]  # the speakers held out together


class FoldsError(UserError):
    """Speakers that cannot be split, or an invalid file of folds; the message gives the reason."""


def speaker_folds(
    speakers: Iterable[str], sex: Callable[[str], str], count: int = FOLDS
) -> tuple[Fold, ...]:
    """Splits speakers into `count` folds with the sexes spread evenly; deterministic.

    Raises:
        FoldsError: fewer speakers than folds.
    """
    distinct = sorted(set(speakers), key=lambda speaker: (sex(speaker), speaker))
    if len(distinct) < count:
        raise FoldsError(
            f"{len(distinct)} speakers ({', '.join(distinct)}); expected at least {count}, "
            f"one for each of {count} speaker-independent folds"
        )
    return tuple(tuple(distinct[index::count]) for index in range(count))


def evaluation_folds(speakers: Iterable[str], sex: Callable[[str], str]) -> tuple[Fold, ...]:
    """`FOLDS` folds, or one for each speaker where there are fewer.

    Raises:
        FoldsError: there is one speaker.
    """
    distinct = set(speakers)
    return speaker_folds(distinct, sex, max(LEAST_FOLDS, min(FOLDS, len(distinct))))


def comparison_folds(
    speakers: Iterable[str], sex: Callable[[str], str], count: int | None
) -> tuple[Fold, ...]:
    """Leaves one speaker out at a time, or makes `count` folds of several.

    Raises:
        FoldsError: fewer than three speakers, or fewer than folds.
    """
    distinct = sorted(set(speakers))
    if len(distinct) < MINIMUM_FOLDS:
        raise FoldsError(
            f"{len(distinct)} speaker{'s' * (len(distinct) > 1)} ({', '.join(distinct)}); folds by "
            f"speaker need at least {MINIMUM_FOLDS}"
        )
    if count is None:
        return tuple((speaker,) for speaker in distinct)
    return speaker_folds(distinct, sex, count)


def read_folds(path: Path, speakers: Iterable[str]) -> tuple[Fold, ...]:
    """Reads a CSV file with the header `speaker,fold` and a line for each speaker.

    Folds are ordered by their names, numbers by their size.

    Args:
        path: the file.
        speakers: those of the corpus, each of which must be in exactly one fold; 1 stands for 01.

    Raises:
        FoldsError: invalid file; unknown, missing or repeated speaker; fewer than 3 folds.
    """
    known = set(speakers)
    rows = [(_as_known(speaker, known), fold) for speaker, fold in _rows(path)]
    named = [speaker for speaker, _ in rows]
    _refuse(path, "given twice", (name for name in named if named.count(name) > 1))
    _refuse(path, "not in the corpus", set(named) - known)
    _refuse(path, "of the corpus but in no fold", known - set(named))
    folds: dict[str, list[str]] = {}
    for speaker, fold in rows:
        folds.setdefault(fold, []).append(speaker)
    if len(folds) < MINIMUM_FOLDS:
        raise FoldsError(f"{path}: {len(folds)} folds; expected at least {MINIMUM_FOLDS}")
    return tuple(tuple(sorted(folds[name])) for name in sorted(folds, key=_by_number))


def _rows(path: Path) -> list[tuple[str, str]]:
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FoldsError(f"{path}: cannot be read as a file of folds: {error}") from error
    header, *rows = [[cell.strip() for cell in line] for line in lines if line] or [[]]
    if tuple(header) != COLUMNS:
        raise FoldsError(f"{path}: the header is {','.join(header)!r}; expected 'speaker,fold'")
    for number, row in enumerate(rows, 2):
        if len(row) != len(COLUMNS) or not all(row):
            raise FoldsError(f"{path}: row {number} is {','.join(row)!r}; expected 'speaker,fold'")
    return [(speaker, fold) for speaker, fold in rows]


def _as_known(name: str, known: set[str]) -> str:
    """The corpus's own name of a speaker: spreadsheets turn 01 into 1."""
    numbers = {int(speaker): speaker for speaker in known if speaker.isdecimal()}
    return numbers.get(int(name), name) if name.isdecimal() else name


def _refuse(path: Path, what: str, speakers: Iterable[str]) -> None:
    names = sorted(set(speakers))
    if names:
        raise FoldsError(f"{path}: speakers {what}: {', '.join(names)}")


def _by_number(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isascii() and name.isdigit() else (-1, name)
