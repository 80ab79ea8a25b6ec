"""Measures networks by the protocols that their corpora allow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.audio.sounds import held_out_sounds
from training.corpora.union import Corpora
from training.cross_validation import Experiment
from training.evaluation import evaluate
from training.examples import Examples
from training.folds import Fold, evaluation_folds, read_folds
from training.protocols.conditions import corrupted_features
from training.protocols.folds import union_folds
from training.protocols.results import Results, results_of
from training.protocols.several import evaluate_corpora
from training.settings import TrainingSettings
from training.storage.scheduling import Scheduler
from training.systems.base.trainer import Trainer


@dataclass(frozen=True)
class Measurements:
    """What networks are measured on, and where what was found is kept."""

    corpora: Corpora
    settings: TrainingSettings
    scheduler: Scheduler
    outcomes: Path  # the folder of what every fit predicted
    noise: Path  # the folder of recorded sounds, which may be missing

    @property
    def seeds(self) -> range:
        """Of the fits."""
        return range(self.settings.seed, self.settings.seed + self.settings.seeds)

    @property
    def controls(self) -> bool:
        """Of one corpus unless they are switched off, of several if they are switched on."""
        chosen = self.settings.controls
        return not self.corpora.several if chosen is None else chosen

    def of(
        self, trainers: Iterable[Trainer], examples: Mapping[str, Examples]
    ) -> dict[str, Results]:
        """By name of the network, from its examples; fits of earlier runs are not made again."""
        trainers = tuple(trainers)
        any_examples = examples[trainers[0].name]
        folds = self._folds(any_examples)
        conditions = self._conditions(trainers[0], any_examples, folds)
        experiments = (
            Experiment(trainer, examples[trainer.name], self.outcomes, conditions)
            for trainer in trainers
        )
        return {found.trainer.name: self._measure(found, folds) for found in experiments}

    def _measure(self, experiment: Experiment, folds: tuple[Fold, ...]) -> Results:
        arguments = (experiment, folds, self.seeds, self.scheduler)
        if self.corpora.several:
            return evaluate_corpora(*arguments, controls=self.controls)
        return results_of(evaluate(*arguments, controls=self.controls))

    def _conditions(
        self, trainer: Trainer, examples: Examples, folds: tuple[Fold, ...]
    ) -> dict[str, tuple[str, ...]]:
        paths = [utterance.path for utterance in self.corpora.utterances]
        cache, sounds = trainer.caches.features, held_out_sounds(self.noise)
        return corrupted_features(paths, examples, folds, cache, self.scheduler, sounds=sounds)

    def _folds(self, examples: Examples) -> tuple[Fold, ...]:
        speakers = examples.speakers.tolist()
        if self.settings.folds:
            return read_folds(self.settings.folds, speakers)
        make = union_folds if self.corpora.several else evaluation_folds
        return make(speakers, self.corpora.sex)
