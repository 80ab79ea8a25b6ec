"""What a comparison found, as the tables say it, the plots show it and results.json keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct, field

from training.comparison.scores import Scores
from training.corpora.reader import Corpus
from training.evaluation import Score
from training.folds import Fold
from training.metrics import EmotionScore
from training.storage.atomic_write import atomic_write

FILE = "results.json"


class ResultsError(ValueError):
    """Results that are not there or cannot be read; the message names the command for them."""


class ProtocolResult(Struct, frozen=True):
    """One system on one protocol, in K folds."""

    figures: dict[str, Score]  # over the folds
    pooled: dict[str, float]  # all clips together
    folds: tuple[dict[str, float], ...]  # K
    chosen: tuple[str, ...] | None  # of several models, which one each fold chose
    emotions: dict[str, EmotionScore]
    confusion: tuple[tuple[int, ...], ...]  # clips, a row for each true emotion
    losses: tuple[tuple[float, ...], ...]  # of each fit, K: (epochs,)

    @classmethod
    def of(cls, scores: Scores) -> "ProtocolResult":
        """All but the answers themselves."""
        measurement = scores.measurement
        return cls(
            figures=scores.over_folds(),
            pooled=scores.pooled(),
            folds=tuple(scores.folds()),
            chosen=measurement.chosen,
            emotions=scores.emotions(),
            confusion=tuple(map(tuple, scores.confusion().tolist())),
            losses=tuple(tuple(losses.tolist()) for losses in measurement.losses),
        )


class Result(Struct, frozen=True, rename="camel"):
    """One row of the table: a system, or the choice among the models of a recipe."""

    system: str
    title: str
    source: str
    claim: str
    parameters: int
    training_seconds: float  # of one fit, the mean of all: computing on one thread
    latency_milliseconds: float  # of one answer
    protocols: dict[str, ProtocolResult]

    @property
    def is_candidate(self) -> bool:
        """Whether it is one of several models among which a recipe chooses."""
        return "/" in self.system


@dataclass(frozen=True)
class MeasuredResult:
    """A row of the table, and the answers that it was made from."""

    result: Result
    scores: tuple[Scores, ...]  # of each protocol


class CorpusFacts(Struct, frozen=True):
    """What all systems heard."""

    option: str  # as `--corpus` names it
    name: str
    description: str
    licence: str
    citation: str
    utterances: int

    @classmethod
    def of(cls, corpus: Corpus) -> "CorpusFacts":
        """Without the recordings."""
        reader = corpus.reader
        return cls(
            option=reader.key,
            name=reader.name,
            description=reader.description,
            licence=reader.licence,
            citation=reader.citation,
            utterances=len(corpus.utterances),
        )


class Comparison(Struct, frozen=True):
    """All systems on one corpus."""

    corpus: CorpusFacts
    labels: tuple[str, ...]
    folds: tuple[Fold, ...]
    results: tuple[Result, ...] = field(name="systems")
    failed: dict[str, str] = {}  # recipes that came to nothing, and why; msgspec copies it

    @property
    def heading(self) -> str:
        """What was compared, on what."""
        speakers = sum(len(fold) for fold in self.folds)
        failed = "".join(f"; {name} failed: {reason}" for name, reason in self.failed.items())
        return (
            f"{self.corpus.name}: {self.corpus.utterances} clips, {speakers} speakers, "
            f"{len(self.labels)} emotions, {len(self.folds)} folds{failed}"
        )

    @property
    def recipes(self) -> "Comparison":
        """The same with one row for each recipe."""
        return self._of([result for result in self.results if not result.is_candidate])

    @property
    def candidates(self) -> "Comparison":
        """The same with the models alone among which recipes choose."""
        return self._of([result for result in self.results if result.is_candidate])

    def _of(self, results: Sequence[Result]) -> "Comparison":
        return msgspec.structs.replace(self, results=tuple(results))

    def write(self, directory: Path) -> None:
        """Keeps all of it in the directory's results.json."""
        content = msgspec.json.format(msgspec.json.encode(self), indent=1)
        with atomic_write(directory / FILE) as part:
            part.write_bytes(content + b"\n")

    @classmethod
    def read(cls, directory: Path) -> "Comparison":
        """What `write` kept.

        Raises:
            ResultsError: there is no such file, or another program's in its place.
        """
        path, remedy = directory / FILE, "`python -m training compare` writes it"
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except OSError as error:
            raise ResultsError(f"{path}: {error.strerror}; {remedy}") from error
        except msgspec.DecodeError as error:
            raise ResultsError(f"{path}: {error}; {remedy}") from error
