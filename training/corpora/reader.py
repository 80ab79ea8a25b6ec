"""Corpus readers: a folder of recordings becomes utterances, and what cannot be used a reason."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

AUDIO_SUFFIXES = (".flac", ".wav")


class CorpusError(ValueError):
    """A corpus that cannot be trained on; the message says what was looked for, and where."""


@dataclass(frozen=True)
class Utterance:
    """One recording of one speaker with the emotion that it carries."""

    path: Path
    speaker: str
    emotion: str


@dataclass(frozen=True)
class Unusable:
    """A file that was left out, and why."""

    path: Path
    reason: str


class Reader(Protocol):
    """What is known about one corpus: how its file names are read, and its terms."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    @property
    def description(self) -> str:
        """What is said, by whom, in which language."""
        ...

    licence: str
    citation: str
    pattern: str  # of the file names, for people
    emotions: tuple[str, ...]  # in alphabetical order

    def read_name(self, path: Path) -> Utterance:
        """Raises ValueError with the reason where the name is not the corpus's."""
        ...

    def sex(self, speaker: str) -> str:
        """`female` or `male`."""
        ...

    def traits(self, utterance: Utterance) -> tuple[int, int, int]:
        """What else the name tells: intensity, sex and statement, each 0 or 1; -1 is unknown."""
        ...


class Ravdess:
    """The speech part of RAVDESS: Livingstone and Russo 2018, doi:10.1371/journal.pone.0196391."""

    name = "RAVDESS speech"
    licence = "CC BY-NC-SA 4.0"
    citation = (
        "Livingstone SR, Russo FA (2018). The Ryerson Audio-Visual Database of Emotional Speech "
        "and Song (RAVDESS). PLoS ONE 13(5): e0196391. doi:10.1371/journal.pone.0196391"
    )
    description = "two fixed sentences spoken by professional actors, North American English"
    pattern = "MM-01-EE-II-SS-RR-AA, such as 03-01-05-02-01-01-12"

    _EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    _FIELDS = (
        ("modality", 3),
        ("vocal channel", 2),
        ("emotion", 8),
        ("intensity", 2),
        ("statement", 2),
        ("repetition", 2),
        ("actor", 24),
    )
    emotions = tuple(sorted(_EMOTIONS))

    def read_name(self, path: Path) -> Utterance:
        """Reads modality, vocal channel, emotion, intensity, statement, repetition and actor."""
        parts = path.stem.split("-")
        if len(parts) != len(self._FIELDS) or not all(map(_is_two_digits, parts)):
            raise ValueError(f"foreign name; expected {self.pattern}")
        numbers = [int(part) for part in parts]
        for number, (field, largest) in zip(numbers, self._FIELDS, strict=True):
            if not 1 <= number <= largest:
                raise ValueError(f"foreign name; {field} {number:02d} is not 01 to {largest:02d}")
        if numbers[1] != 1:
            raise ValueError("song; only speech (vocal channel 01) is used")
        return Utterance(path, speaker=parts[6], emotion=self._EMOTIONS[numbers[2] - 1])

    def sex(self, speaker: str) -> str:
        """Odd actors are male, even ones female."""
        return "male" if int(speaker) % 2 else "female"

    def traits(self, utterance: Utterance) -> tuple[int, int, int]:
        """Normal or strong, female or male, first or second sentence."""
        numbers = [int(part) for part in utterance.path.stem.split("-")]
        return numbers[3] - 1, int(self.sex(utterance.speaker) == "male"), numbers[4] - 1


RAVDESS = Ravdess()


@dataclass(frozen=True)
class Emodb:
    """The Berlin Database of Emotional Speech: Burkhardt et al. 2005."""

    name: str = "EmoDB"
    description: str = "ten everyday sentences spoken by actors, German"

    licence = "free to use"
    citation = (
        "Burkhardt F, Paeschke A, Rolfes M, Sendlmeier WF, Weiss B (2005). A Database of German "
        "Emotional Speech. Interspeech 2005, 1517-1520. doi:10.21437/Interspeech.2005-446"
    )
    pattern = "SSTTTEV, such as 03a01Fa"

    _EMOTIONS = MappingProxyType(  # by the letter of their German name
        {
            "A": "fearful",  # Angst
            "E": "disgust",  # Ekel
            "F": "happy",  # Freude
            "L": "bored",  # Langeweile
            "N": "neutral",
            "T": "sad",  # Trauer
            "W": "angry",  # Wut
        }
    )
    _MALE = ("03", "10", "11", "12", "15")
    _FEMALE = ("08", "09", "13", "14", "16")
    _TEXTS = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")
    emotions = tuple(sorted(_EMOTIONS.values()))

    def read_name(self, path: Path) -> Utterance:
        """Reads speaker, text, emotion and version."""
        name = path.stem
        if len(name) != 7 or not ("a" <= name[6] <= "z"):
            raise ValueError(f"foreign name; expected {self.pattern}")
        speaker, text, letter = name[:2], name[2:5], name[5]
        for field, value, known in (
            ("speaker", speaker, sorted(self._MALE + self._FEMALE)),
            ("text", text, self._TEXTS),
            ("emotion", letter, sorted(self._EMOTIONS)),
        ):
            if value not in known:
                raise ValueError(f"foreign name; {field} {value} is none of {', '.join(known)}")
        return Utterance(path, speaker=speaker, emotion=self._EMOTIONS[letter])

    def sex(self, speaker: str) -> str:
        """As the corpus's own list of speakers has it."""
        return "male" if speaker in self._MALE else "female"

    def traits(self, utterance: Utterance) -> tuple[int, int, int]:
        """Nothing tells the intensity, and of statements there are more than two."""
        return -1, int(self.sex(utterance.speaker) == "male"), -1


EMODB = Emodb()
EMODB_2S = Emodb(
    name="emodb-2s",
    description="EmoDB in a copy whose clips were cut or padded to 2.0 s: ten everyday sentences "
    "spoken by actors, German; not comparable with figures on whole recordings",
)
READERS: dict[str, Reader] = {"ravdess": RAVDESS, "emodb": EMODB, "emodb-2s": EMODB_2S}


def reader_named(name: str) -> Reader:
    """Raises CorpusError where no corpus is called so."""
    if name not in READERS:
        raise CorpusError(f"{name!r}: no such corpus; known: {', '.join(READERS)}")
    return READERS[name]


def name_of(reader: Reader) -> str:
    """The name under which `reader_named` knows it."""
    return next(name for name, known in READERS.items() if known is reader)


@dataclass(frozen=True)
class Corpus:
    """The utterances of a folder in the order of their names, and the files left out."""

    reader: Reader
    source: Path
    utterances: tuple[Utterance, ...]
    unusable: tuple[Unusable, ...]

    def without(self, unusable: Iterable[Unusable]) -> "Corpus":
        """The same corpus, less files that turned out not to be readable as audio.

        Raises:
            CorpusError: nothing is left.
        """
        more = tuple(unusable)
        paths = {item.path for item in more}
        kept = tuple(item for item in self.utterances if item.path not in paths)
        corpus = Corpus(self.reader, self.source, kept, self.unusable + more)
        return _require_utterances(corpus)


def read_corpus(source: Path, reader: Reader = RAVDESS) -> Corpus:
    """Reads every file under `source`, at any depth; content is not opened yet.

    Raises:
        CorpusError: the folder does not exist, or no file in it can be used.
    """
    if not source.is_dir():
        raise CorpusError(f"{source}: no such folder; [data] source_path names the corpus")
    utterances: dict[str, Utterance] = {}
    unusable: list[Unusable] = []
    for path in _files(source):
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
        f"{corpus.source}: no usable recording; looked in this folder and all below it for .wav "
        f"and .flac files named {corpus.reader.pattern}, and found {len(corpus.unusable)} files, "
        "none of them usable" + "".join(reasons)
    )


def _files(source: Path) -> Iterator[Path]:
    return (path for path in sorted(source.rglob("*")) if not path.is_dir())


def _read(path: Path, reader: Reader) -> Utterance:
    if path.suffix.lower() not in AUDIO_SUFFIXES:
        raise ValueError("not a .wav or .flac file")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    if empty:
        raise ValueError("empty file")
    return reader.read_name(path)


def _is_two_digits(text: str) -> bool:
    return len(text) == 2 and text.isascii() and text.isdigit()
