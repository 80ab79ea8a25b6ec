"""A corpus that is a CSV file: `path,speaker,emotion[,sex,sentence,intensity,split]`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.corpora import sound_files
from training.corpora.own.emotion_names import LEFT_OUT, EmotionNames
from training.corpora.own.facts import SEXES, OwnCorpus, occurring_emotions, require_several
from training.corpora.reader import Corpus, CorpusError, Unusable, Utterance
from training.corpora.table import Row, read_table

REQUIRED = ("path", "speaker", "emotion")
OPTIONAL = ("sex", "sentence", "intensity", "split")
INTENSITIES = ("normal", "strong")
SPLITS = ("train", "test")


def read_clip_table(path: Path, licence: str) -> Corpus:
    """The clips of a CSV file, whose paths are relative to its folder.

    Raises:
        CorpusError: a row is wrong; the message names the file, the line and what was expected.
    """
    rows = read_table(path, REQUIRED, OPTIONAL)
    if not rows:
        raise CorpusError(f"{path}:2: no clips; expected a row of path,speaker,emotion for each")
    _refuse_changing_speakers(rows)
    reader = RowReader(path.parent.resolve(), EmotionNames.read(path.parent), _numbers(rows))
    clips = reader.clips(rows)
    kept = [(row, item) for row, item in clips if item.emotion != LEFT_OUT]
    utterances = tuple(item for row, item in kept if row["split"] != "test")
    if not utterances:
        raise CorpusError(f"{path}:{rows[-1].line}: every clip is left out of fits")
    require_several(utterances, f"{path}:{rows[-1].line}")
    emotions = occurring_emotions(utterances)
    for row, item in kept:
        if item.emotion not in emotions:
            raise row.error(f"no clip with split train has emotion {row['emotion']!r}")
    facts = OwnCorpus(
        name=path.stem,
        licence=licence,
        pattern=f"in {path.name}",
        emotions=emotions,
        option=f"./{path.name}",
        sexes={row["speaker"]: row["sex"] for row in rows},
    )
    return Corpus(
        facts,
        path.parent.resolve(),
        utterances,
        tuple(_left_out(row, item) for row, item in clips if item.emotion == LEFT_OUT),
        tests=tuple(item for row, item in kept if row["split"] == "test"),
    )


def _left_out(row: Row, item: Utterance) -> Unusable:
    return Unusable(item.path, f"emotion {row['emotion']!r} is left out", on_purpose=True)


@dataclass(frozen=True)
class RowReader:
    """Turns rows into utterances."""

    folder: Path  # without links
    names: EmotionNames
    sentences: Mapping[str, int]  # numbers from 0

    def clips(self, rows: list[Row]) -> list[tuple[Row, Utterance]]:
        """Each row with its utterance.

        Raises:
            CorpusError: a row is wrong, or two have the same file.
        """
        lines: dict[Path, int] = {}
        clips = []
        for row in rows:
            utterance = self._utterance(row)
            first = lines.setdefault(utterance.path, row.line)
            if first != row.line:
                raise row.error(f"{row['path']!r}: line {first} has this file too")
            clips.append((row, utterance))
        return clips

    def _utterance(self, row: Row) -> Utterance:
        path = self._path(row)
        try:
            emotion = self.names.label(row["emotion"])
        except ValueError as error:
            raise row.error(str(error)) from None
        _one_of(row, "split", SPLITS)
        numbers = {
            "sex": _one_of(row, "sex", SEXES),
            "intensity": _one_of(row, "intensity", INTENSITIES),
            "sentence": self.sentences.get(row["sentence"]),
        }
        auxiliary = {name: number for name, number in numbers.items() if number is not None}
        return Utterance(path, row["speaker"], emotion, auxiliary)

    def _path(self, row: Row) -> Path:
        name = row["path"]
        try:
            path = (self.folder / name).resolve()
            is_file = path.is_file()
        except (OSError, RuntimeError, ValueError) as error:  # too long, a cycle of links, NUL
            raise row.error(f"{name[:100]!r} is not a path: {error}"[:300]) from None
        if not path.is_relative_to(self.folder):
            raise row.error(f"{name!r} leaves the folder {self.folder}")
        if not is_file:
            raise row.error(f"{name!r}: no such file in {self.folder}")
        if path.suffix.lower() not in sound_files.SUFFIXES:
            raise row.error(f"{name!r} is not a sound file, {sound_files.COMMON}")
        return path


def _one_of(row: Row, column: str, known: tuple[str, ...]) -> int | None:
    """The number of a value; nothing where the cell is empty."""
    value = row[column]
    if value and value not in known:
        raise row.error(f"{column} {value!r}; expected {' or '.join(known)}, or nothing")
    return known.index(value) if value else None


def _numbers(rows: list[Row]) -> dict[str, int]:
    sentences = sorted({row["sentence"] for row in rows} - {""})
    return {sentence: number for number, sentence in enumerate(sentences)}


def _refuse_changing_speakers(rows: list[Row]) -> None:
    """One sex, so that folds are the same in each run."""
    sexes: dict[str, str] = {}
    for row in rows:
        first = sexes.setdefault(row["speaker"], row["sex"])
        if first != row["sex"]:
            raise row.error(
                f"speaker {row['speaker']!r} has sex {row['sex']!r} here and {first!r} before"
            )
