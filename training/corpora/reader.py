"""Reads a folder of recordings: utterances, and the files that cannot be used with the reason."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from training.arrays import Float32, Integers
from training.errors import UserError

AUDIO_SUFFIXES = (".flac", ".ogg", ".wav")
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
    # What listeners heard: the share of each emotion, together 1; nothing where it is not known.
    votes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Unusable:
    """A file that was left out, and the reason."""

    path: Path
    reason: str


class Reader(Protocol):
    """One corpus: how its file names are read, and its terms of use."""

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

    licence: str
    citation: str
    pattern: str  # of the file names, for error messages
    emotions: tuple[str, ...]  # in alphabetical order

    def read_name(self, path: Path) -> Utterance:
        """The utterance that a file's name describes.

        Raises:
            ValueError: the name does not follow the corpus's pattern; the message says why.
        """
        ...

    def sex(self, speaker: str) -> str:
        """`female`, `male`, or nothing where it is not known."""
        ...


@dataclass(frozen=True)
class Corpus:
    """The utterances of a folder, sorted by path, and the files left out."""

    reader: Reader
    source: Path
    utterances: tuple[Utterance, ...]
    unusable: tuple[Unusable, ...]

    def without(self, unusable: Iterable[Unusable]) -> "Corpus":
        """The same corpus without files that turned out to be unreadable as audio.

        Raises:
            CorpusError: nothing is left.
        """
        more = tuple(unusable)
        paths = {item.path for item in more}
        kept = tuple(item for item in self.utterances if item.path not in paths)
        corpus = Corpus(self.reader, self.source, kept, self.unusable + more)
        return _require_utterances(corpus)


def auxiliary_labels(utterances: Sequence[Utterance], names: Sequence[str]) -> Integers:
    """Auxiliary labels of N utterances, (N, len(names)); -1 where the corpus does not give one."""
    return np.array(
        [[item.auxiliary.get(name, UNKNOWN) for name in names] for item in utterances], np.int64
    )


def listeners_votes(utterances: Sequence[Utterance], labels: Sequence[str]) -> Float32:
    """Listeners' votes on N utterances, float32 (N, len(labels)); zeros where unknown."""
    rows = [[item.votes.get(label, 0.0) for label in labels] for item in utterances]
    return np.array(rows, np.float32).reshape(len(utterances), len(labels))


def read_corpus(source: Path, reader: Reader) -> Corpus:
    """Reads the names of all files under `source`, at any depth; symbolic links are followed.

    Raises:
        CorpusError: the folder does not exist, or no file in it can be used.
    """
    if not source.is_dir():
        raise CorpusError(f"{source}: no such folder; [data] source_path names the corpus")
    utterances: dict[str, Utterance] = {}
    unusable: list[Unusable] = []
    for path in sorted(_files(source)):
        try:
            utterance = _read(path, reader)
        except ValueError as error:
            unusable.append(Unusable(path, str(error)))
            continue
        first = utterances.setdefault(path.stem, utterance)
        if first is not utterance:
            reason = f"the same utterance as {first.path.relative_to(source)}"
            unusable.append(Unusable(path, reason))
    corpus = Corpus(reader, source, tuple(utterances.values()), tuple(unusable))
    return _require_utterances(corpus)


def _require_utterances(corpus: Corpus) -> Corpus:
    if corpus.utterances:
        return corpus
    reasons = [f"\n  {item.path.name}: {item.reason}" for item in corpus.unusable[:10]]
    raise CorpusError(
        f"{corpus.source}: no usable recording; looked in this folder and all below it for .wav, "
        f".flac and .ogg files named {corpus.reader.pattern}, and found {len(corpus.unusable)} "
        "files, none of them usable" + "".join(reasons)
    )


def _files(source: Path) -> Iterator[Path]:
    """All files under a folder. Links are followed; each folder is entered once, by one path."""
    entered = {source.resolve()}
    for folder, folders, files in os.walk(source, followlinks=True):
        yield from (Path(folder, name) for name in files)
        real = {Path(folder, name).resolve(): name for name in sorted(folders, reverse=True)}
        folders[:] = sorted(name for path, name in real.items() if path not in entered)
        entered.update(real)


def _read(path: Path, reader: Reader) -> Utterance:
    if path.suffix.lower() not in AUDIO_SUFFIXES:
        raise ValueError("not a .wav, .flac or .ogg file")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if empty:
        raise ValueError("empty file")
    return reader.read_name(path)
