"""The results of a comparison: what its tables and figures show, and results.json stores."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct, field
from sklearn.metrics import precision_recall_fscore_support

from training.arrays import Integers
from training.corpora.union import Corpora
from training.evaluation import Measurement, Score
from training.folds import Fold
from training.metrics import (
    EmotionScore,
    confusion,
    emotion_scores,
    unweighted_average_recall,
)
from training.storage.atomic_write import atomic_write
from training.systems.base.system import SPEAKER_SEPARATED

FILE = "results.json"
METRICS = ("f1", "precision", "recall", "uar", "accuracy")


class ResultsError(ValueError):
    """Results are missing or unreadable; the message names the command that writes them."""


class ProtocolResult(Struct, frozen=True):
    """The metrics of one system under one protocol with K folds."""

    metrics: dict[str, Score] = field(name="figures")  # mean and deviation over the folds
    pooled: dict[str, float]  # metrics of all clips together
    folds: tuple[dict[str, float], ...]  # K, metrics of each fold
    chosen: tuple[str, ...] | None  # K, the model that each fold selected among several
    emotions: dict[str, EmotionScore]  # all folds together
    confusion: tuple[tuple[int, ...], ...]  # clips, a row for each true emotion; all folds
    losses: tuple[tuple[float, ...], ...]  # K fits: (epochs,)

    @classmethod
    def of(
        cls, measurement: Measurement, targets: Integers, labels: Sequence[str]
    ) -> "ProtocolResult":
        """Compute the metrics of a measurement from the targets (N,), columns of the labels."""
        predictions = measurement.probabilities.argmax(axis=1)
        parts = [np.array(part) for part in measurement.parts]
        folds = [metrics(targets[part], predictions[part]) for part in parts]
        counts = confusion(targets, predictions, len(labels))
        return cls(
            metrics={n: Score.over(np.array([fold[n] for fold in folds])) for n in METRICS},
            pooled=metrics(targets, predictions),
            folds=tuple(folds),
            chosen=measurement.chosen,
            emotions=dict(zip(labels, emotion_scores(counts), strict=True)),
            confusion=tuple(map(tuple, counts.tolist())),
            losses=tuple(tuple(losses.tolist()) for losses in measurement.losses),
        )


def metrics(targets: Integers, predictions: Integers) -> dict[str, float]:
    """Return F1, precision, recall, unweighted average recall and accuracy, each in [0, 1].

    F1, precision and recall are means over the emotions weighted by their clips, so that recall
    equals accuracy. The unweighted average recall weights all emotions that occur equally.
    """
    precision, recall, f1, _ = precision_recall_fscore_support(
        targets, predictions, labels=np.unique(targets), average="weighted", zero_division=0.0
    )
    return {
        "f1": float(f1),
        "precision": float(precision),
        "recall": float(recall),
        "uar": unweighted_average_recall(targets, predictions),
        "accuracy": float((targets == predictions).mean()),
    }


class SystemResult(Struct, frozen=True, rename="camel"):
    """One row of the table: a system, or the selection among the models of a recipe."""

    system: str
    title: str
    source: str
    claim: str
    parameters: int
    training_seconds: float  # mean over the fits; computation on one thread
    latency_milliseconds: float  # of one prediction
    protocols: dict[str, ProtocolResult]

    @property
    def is_candidate(self) -> bool:
        """Whether it is one of several models among which a recipe selects."""
        return "/" in self.system

    @property
    def short_name(self) -> str:
        """The name without that of the recipe, for titles of one line."""
        return self.system.rpartition("/")[2]


class CorpusFacts(Struct, frozen=True):
    """The corpus of a comparison."""

    option: str  # names for `--corpus`
    name: str
    description: str
    licence: str
    citation: str
    utterances: int

    @classmethod
    def of(cls, corpora: Corpora) -> "CorpusFacts":
        """Describe corpora without their recordings."""
        return cls(
            option=corpora.option,
            name=corpora.name,
            description=corpora.description,
            licence=corpora.licence,
            citation=corpora.citation,
            utterances=len(corpora.utterances),
        )


class Comparison(Struct, frozen=True):
    """All systems on one corpus."""

    corpus: CorpusFacts
    labels: tuple[str, ...]
    folds: tuple[Fold, ...]
    results: tuple[SystemResult, ...] = field(name="systems")
    failed: dict[str, str] = {}  # recipe -> reason; msgspec copies the default

    @property
    def heading(self) -> str:
        """The size of the comparison, and the recipes that failed."""
        speakers = sum(len(fold) for fold in self.folds)
        failed = "".join(f"; {name} failed: {reason}" for name, reason in self.failed.items())
        return (
            f"{self.corpus.name}: {self.corpus.utterances} clips, {speakers} speakers, "
            f"{len(self.labels)} emotions, {len(self.folds)} folds{failed}"
        )

    @property
    def recipes(self) -> "Comparison":
        """The same with one row for each recipe."""
        return self._with([result for result in self.results if not result.is_candidate])

    @property
    def candidates(self) -> "Comparison":
        """The same with only the models among which recipes select."""
        return self._with([result for result in self.results if result.is_candidate])

    def _with(self, results: Sequence[SystemResult]) -> "Comparison":
        return msgspec.structs.replace(self, results=tuple(results))

    def on_unseen_speakers(self) -> Iterator[tuple[SystemResult, ProtocolResult]]:
        """Yield each system that was measured on unseen speakers, with that measurement."""
        for result in self.results:
            if SPEAKER_SEPARATED in result.protocols:
                yield result, result.protocols[SPEAKER_SEPARATED]

    def write(self, directory: Path) -> None:
        """Write results.json in the directory."""
        content = msgspec.json.format(msgspec.json.encode(self), indent=1)
        with atomic_write(directory / FILE) as part:
            part.write_bytes(content + b"\n")

    @classmethod
    def read(cls, directory: Path) -> "Comparison":
        """Read results.json from the directory.

        Raises:
            ResultsError: the file is missing, or is no results of a comparison.
        """
        path, remedy = directory / FILE, "`python -m training compare` writes it"
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except OSError as error:
            raise ResultsError(f"{path}: {error.strerror}; {remedy}") from error
        except msgspec.DecodeError as error:
            raise ResultsError(f"{path}: {error}; {remedy}") from error
