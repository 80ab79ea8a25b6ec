"""Reads a folder of recordings: utterances, and the files that cannot be used with the reason."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from training.arrays import Integers
from training.corpora import sound_files
from training.errors import UserError

# The labels of the contract, in alphabetical order: several corpora together have no others.
EMOTIONS = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
UNKNOWN = -1  # an auxiliary label that a corpus does not give


class CorpusError(UserError):
    """A corpus that cannot be trained on; the message says what was looked for, and where."""


@dataclass(frozen=True)
class Utterance:
    """One recording of one speaker, labelled with an emotion."""

    path: Path
    speaker: str
    emotion: str
    # Labels beside the emotion, by name: the number of a class, from 0. A corpus gives those that
    # it has, such as `sex`, `intensity` or `sentence`; auxiliary tasks may be trained on them.
    auxiliary: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Unusable:
    """A file that was left out, and the reason."""

    path: Path
    reason: str
    on_purpose: bool = False  # a copy, or of an emotion that is not asked for


class Facts(Protocol):
    """One corpus: its terms of use, its emotions and the sex of its speakers."""

    @property
    def key(self) -> str:
        """The value of [data] corpus and of --corpus that selects it."""
        ...

    @property
    def name(self) -> str:
        """Its name in tables and model cards."""
        ...

    @property
    def description(self) -> str:
        """What is spoken, by whom, in which language."""
        ...

    @property
    def licence(self) -> str:
        """The terms of use."""
        ...

    @property
    def citation(self) -> str:
        """The publication."""
        ...

    @property
    def pattern(self) -> str:
        """Of the file names, for error messages."""
        ...

    @property
    def emotions(self) -> tuple[str, ...]:
        """In alphabetical order."""
        ...

    def sex(self, speaker: str) -> str:
        """`female`, `male`, or nothing where it is not known."""
        ...


class Reader(Facts, Protocol):
    """How the file names of a corpus are read."""

    def read_name(self, path: Path) -> Utterance:
        """The utterance that a file's name describes.

        Raises:
            ValueError: the name does not follow the corpus's pattern; the message says why.
        """
        ...


@dataclass(frozen=True)
class Corpus:
    """The utterances of a folder, and the files left out."""

    reader: Facts
    source: Path
    utterances: tuple[Utterance, ...]
    unusable: tuple[Unusable, ...]
    tests: tuple[Utterance, ...] = ()  # no network is fitted to them

    def without(self, unusable: Iterable[Unusable]) -> "Corpus":
        """The same corpus without files that turned out to be unreadable as audio.

        Raises:
            CorpusError: nothing is left.
        """
        more = tuple(unusable)
        paths = {item.path for item in more}
        kept = tuple(item for item in self.utterances if item.path not in paths)
        corpus = replace(self, utterances=kept, unusable=self.unusable + more)
        return require_utterances(corpus)


def auxiliary_labels(utterances: Sequence[Utterance], names: Sequence[str]) -> Integers:
    """Auxiliary labels of N utterances, (N, len(names)); -1 where the corpus does not give one."""
    return np.array(
        [[item.auxiliary.get(name, UNKNOWN) for name in names] for item in utterances], np.int64
    )


def read_corpus(source: Path, reader: Reader) -> Corpus:
    """Reads the names of all files under `source`, at any depth; symbolic links are followed.

    Raises:
        CorpusError: the folder does not exist, or no file in it can be used.
    """
    if not source.is_dir():
        raise CorpusError(f"{source}: no such folder; [data] source_path names the corpus")
    utterances: dict[tuple[str, str, str], Utterance] = {}
    unusable: list[Unusable] = []
    for path in sorted(files_under(source)):
        try:
            utterance = _read(path, reader)
        except ValueError as error:
            unusable.append(Unusable(path, str(error)))
            continue
        key = (utterance.speaker, utterance.emotion, path.stem)
        first = utterances.setdefault(key, utterance)
        if first is not utterance:
            reason = f"the same utterance as {first.path.relative_to(source)}"
            unusable.append(Unusable(path, reason, on_purpose=True))
    corpus = Corpus(reader, source, tuple(utterances.values()), tuple(unusable))
    return require_utterances(corpus)


def require_utterances(corpus: Corpus) -> Corpus:
    """The same corpus.

    Raises:
        CorpusError: nothing in it can be used.
    """
    if corpus.utterances:
        return corpus
    reasons = [f"\n  {item.path.name}: {item.reason}" for item in corpus.unusable[:10]]
    raise CorpusError(
        f"{corpus.source}: no usable recording; looked in this folder and all below it for sound "
        f"files ({sound_files.COMMON}) named {corpus.reader.pattern}, and found "
        f"{len(corpus.unusable)} files, none of them usable" + "".join(reasons)
    )


def files_under(source: Path) -> Iterator[Path]:
    """All files under a folder. Links are followed; each folder is entered once, by one path."""
    entered = {source.resolve()}
    for folder, folders, files in os.walk(source, followlinks=True):
        yield from (Path(folder, name) for name in files)
        real = {Path(folder, name).resolve(): name for name in sorted(folders, reverse=True)}
        folders[:] = sorted(name for path, name in real.items() if path not in entered)
        entered.update(real)


def _read(path: Path, reader: Reader) -> Utterance:
    require_sound(path)
    return reader.read_name(path)


def require_sound(path: Path) -> None:
    """Whether a file may be a recording, by its suffix and size.

    Raises:
        ValueError: it is not.
    """
    if path.suffix.lower() not in sound_files.SUFFIXES:
        raise ValueError(f"not a sound file, {sound_files.COMMON}")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if empty:
        raise ValueError("empty file")
