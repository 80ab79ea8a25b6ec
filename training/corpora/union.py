"""One corpus, or several read together under common labels."""

import functools
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from configuration import is_path
from training.corpora.own.clip_table import read_clip_table
from training.corpora.own.emotion_folders import read_emotion_folders
from training.corpora.reader import (
    EMOTIONS,
    Corpus,
    CorpusError,
    Unusable,
    Utterance,
    read_corpus,
)
from training.corpora.registry import known_readers, reader_named
from training.settings import DataSettings


@dataclass(frozen=True)
class Corpora:
    """At least one corpus. With several, speakers are named after theirs: `cremad/1001`."""

    corpora: tuple[Corpus, ...]

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.corpora) > 1

    @property
    def keys(self) -> tuple[str, ...]:
        """Of each corpus."""
        return tuple(corpus.reader.key for corpus in self.corpora)

    @property
    def key(self) -> str:
        """A name for files: `ravdess`, or `ravdess+cremad`."""
        return "+".join(self.keys)

    @property
    def option(self) -> str:
        """What reads them again after `--corpus`, from the folder of one's own."""
        names = (getattr(item.reader, "option", item.reader.key) for item in self.corpora)
        return shlex.join(names)

    @property
    def sources(self) -> str:
        """Their folders."""
        return ", ".join(str(corpus.source) for corpus in self.corpora)

    @property
    def name(self) -> str:
        """The names in tables and model cards."""
        return ", ".join(corpus.reader.name for corpus in self.corpora)

    @property
    def description(self) -> str:
        """What is spoken, by whom, in which language."""
        return self._joined("description")

    @property
    def licence(self) -> str:
        """The licences, each once."""
        return self._joined("licence")

    @property
    def citation(self) -> str:
        """The publications, each once."""
        return self._joined("citation")

    def _joined(self, attribute: str) -> str:
        return "; ".join(dict.fromkeys(getattr(item.reader, attribute) for item in self.corpora))

    @property
    def labels(self) -> tuple[str, ...]:
        """In alphabetical order: those of the one corpus, or of several those of the contract."""
        if not self.several:
            return self.corpora[0].reader.emotions
        had = {emotion for corpus in self.corpora for emotion in corpus.reader.emotions}
        return tuple(emotion for emotion in EMOTIONS if emotion in had)

    @functools.cached_property
    def utterances(self) -> tuple[Utterance, ...]:
        """The utterances of all corpora, one corpus after the other."""
        return tuple(item for items in self._by_corpus for item in items)

    @functools.cached_property
    def corpus_of(self) -> tuple[str, ...]:
        """The key of the corpus of each utterance."""
        pairs = zip(self.corpora, self._by_corpus, strict=True)
        return tuple(corpus.reader.key for corpus, items in pairs for _ in items)

    def possible(self) -> npt.NDArray[np.bool_]:
        """The emotions that the corpus of each utterance has, (N, labels)."""
        rows = {
            corpus.reader.key: [label in corpus.reader.emotions for label in self.labels]
            for corpus in self.corpora
        }
        return np.array([rows[key] for key in self.corpus_of], bool)

    @property
    def unusable(self) -> tuple[Unusable, ...]:
        """Every file left out; of several corpora, those of emotions that are not labels too."""
        return tuple(item for corpus in self.corpora for item in self.left_out(corpus))

    def left_out(self, corpus: Corpus) -> tuple[Unusable, ...]:
        """The files of one corpus that were left out."""
        labels = self.labels
        others = (item for item in corpus.utterances if item.emotion not in labels)
        reason = "not an emotion of several corpora together"
        return (
            *corpus.unusable,
            *(Unusable(item.path, f"{item.emotion}: {reason}", on_purpose=True) for item in others),
        )

    def without(self, unusable: Iterable[Unusable]) -> "Corpora":
        """The same corpora without files that turned out to be unreadable as audio.

        Raises:
            CorpusError: nothing is left of one.
        """
        more = {item.path: item for item in unusable}
        return Corpora(tuple(_less(corpus, more) for corpus in self.corpora))

    @property
    def tests(self) -> frozenset[Path]:
        """The files that no network is fitted to; they are not among the utterances."""
        return frozenset(item.path for corpus in self.corpora for item in corpus.tests)

    def with_tests(self) -> "Corpora":
        """The same corpora with those files among their utterances."""
        return Corpora(
            tuple(
                replace(corpus, utterances=corpus.utterances + corpus.tests, tests=())
                for corpus in self.corpora
            )
        )

    def sex(self, speaker: str) -> str:
        """`female`, `male`, or nothing where the corpus does not tell."""
        if not self.several:
            return self.corpora[0].reader.sex(speaker)
        key, _, name = speaker.partition("/")
        return next(item.reader.sex(name) for item in self.corpora if item.reader.key == key)

    @functools.cached_property
    def _by_corpus(self) -> tuple[tuple[Utterance, ...], ...]:
        return tuple(self.of(corpus) for corpus in self.corpora)

    def of(self, corpus: Corpus) -> tuple[Utterance, ...]:
        """The utterances of one corpus under the common labels."""
        if not self.several:
            return corpus.utterances
        key, labels = corpus.reader.key, self.labels
        return tuple(
            replace(item, speaker=f"{key}/{item.speaker}")
            for item in corpus.utterances
            if item.emotion in labels
        )


def _less(corpus: Corpus, unusable: Mapping[Path, Unusable]) -> Corpus:
    paths = (item.path for item in corpus.utterances)
    return corpus.without(unusable[path] for path in paths if path in unusable)


def read_corpora(data: DataSettings) -> Corpora:
    """The corpora of [data].

    Raises:
        CorpusError: one does not exist, cannot be used, or is given twice.
    """
    if data.source_path and len(data.corpus) > 1:
        raise CorpusError(
            f"[data] source_path is {data.source_path}, and [data] corpus has {len(data.corpus)} "
            "corpora; it names the folder of one, which --corpus KEY chooses; corpora_path is the "
            "folder of several"
        )
    _require_folders(data)
    corpora = Corpora(tuple(_read(name, data) for name in data.corpus))
    _refuse_the_same_twice(corpora)
    for corpus in corpora.corpora:
        if not set(corpus.reader.emotions) & set(corpora.labels):
            raise CorpusError(
                f"{corpus.reader.name}: none of its emotions is one of {', '.join(EMOTIONS)}"
            )
    return corpora


def _require_folders(data: DataSettings) -> None:
    """Names every folder that lacks at once, and the corpora that are left."""
    keys = [reader_named(name).key for name in data.corpus if not is_path(name)]
    lacking = [key for key in keys if not data.folder(key).is_dir()]
    if not lacking:
        return
    folders = ", ".join(str(data.folder(key).resolve()) for key in lacking)
    others = shlex.join(name for name in data.corpus if name not in lacking)
    choice = f"--corpus {others} reads the others alone; " if others else ""
    raise CorpusError(
        f"{folders}: no such folder; {choice}[data] corpora_path has a folder for each corpus, "
        "[data] source_path is that of one"
    )


def _read(name: str, data: DataSettings) -> Corpus:
    if is_path(name):
        return _read_own(Path(name), data)
    reader = reader_named(name)
    return read_corpus(data.folder(name).resolve(), reader)


def _read_own(path: Path, data: DataSettings) -> Corpus:
    licence = data.licence or "not stated"
    if data.source_path:
        raise CorpusError(f"[data] source_path is {data.source_path}; leave it empty for {path}")
    if path.is_dir():
        corpus = read_emotion_folders(path.resolve(), data.speaker_pattern, licence)
    elif path.suffix == ".csv":
        corpus = read_clip_table(path, licence)
    else:
        raise CorpusError(f"{path}: neither a folder nor a .csv file")
    if corpus.reader.key in known_readers():
        raise CorpusError(f"{path}: {corpus.reader.key!r} is the name of another corpus; rename it")
    return corpus


def _refuse_the_same_twice(corpora: Corpora) -> None:
    """Also EmoDB and its shorter copy: a speaker would be in two folds."""
    for attribute in ("key", "citation"):
        given = Counter(getattr(corpus.reader, attribute) for corpus in corpora.corpora)
        for value, count in given.items():
            if value and count > 1:
                raise CorpusError(f"--corpus {corpora.option}: the same recordings twice: {value}")
