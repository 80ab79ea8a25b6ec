"""What a comparison found, as the tables and the files say it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from training.comparison.declaration import Recipe
from training.comparison.scores import Scores
from training.corpora import Corpus
from training.folds import Fold


@dataclass(frozen=True)
class Result:
    """One row of the table: a system, or the choice among the models of a recipe."""

    system: str
    recipe: Recipe
    scores: dict[str, Scores]  # by protocol
    parameters: int
    milliseconds: float  # of one answer

    @property
    def seconds(self) -> float:
        """Of one fit, the mean of all: computing on one thread."""
        fits = [s for scores in self.scores.values() for s in scores.measurement.seconds]
        return float(np.mean(fits))

    def as_json(self) -> dict[str, Any]:
        """All but the answers themselves."""
        return {
            "system": self.system,
            "title": self.recipe.title,
            "source": self.recipe.source,
            "claim": self.recipe.claim,
            "parameters": self.parameters,
            "trainingSeconds": round(self.seconds, 2),
            "latencyMilliseconds": round(self.milliseconds, 4),
            "protocols": {name: _protocol(scores) for name, scores in self.scores.items()},
        }


def _protocol(scores: Scores) -> dict[str, Any]:
    return {
        "figures": {name: asdict(score) for name, score in scores.over_folds().items()},
        "pooled": scores.pooled(),
        "folds": scores.folds(),
        "chosen": scores.measurement.chosen,
        "emotions": {label: asdict(score) for label, score in scores.emotions().items()},
        "confusion": scores.confusion().tolist(),
        "losses": [losses.tolist() for losses in scores.measurement.losses],
    }


@dataclass(frozen=True)
class Comparison:
    """All systems on one corpus."""

    corpus: Corpus
    name: str  # of the corpus, as `--corpus` names it
    labels: tuple[str, ...]
    folds: tuple[Fold, ...]
    results: Sequence[Result]

    @property
    def heading(self) -> str:
        """What was compared, on what."""
        speakers = sum(len(fold) for fold in self.folds)
        return (
            f"{self.corpus.reader.name}: {len(self.corpus.utterances)} clips, {speakers} speakers, "
            f"{len(self.labels)} emotions, {len(self.folds)} folds"
        )

    def as_json(self) -> dict[str, Any]:
        """All but the answers themselves."""
        reader = self.corpus.reader
        return {
            "corpus": {
                "name": reader.name,
                "description": reader.description,
                "licence": reader.licence,
                "citation": reader.citation,
                "utterances": len(self.corpus.utterances),
            },
            "labels": list(self.labels),
            "folds": [list(fold) for fold in self.folds],
            "systems": [result.as_json() for result in self.results],
        }
