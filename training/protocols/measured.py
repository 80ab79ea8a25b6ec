"""A plan over several corpora and its outcomes, as evaluations among each corpus's emotions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.arrays import Float32, Float64, Integers
from training.calibration import Temperature
from training.cross_validation import CLEAN, Experiment, Job, Outcome, Plan, run_jobs
from training.evaluation import Evaluation, Mask, in_order, logits_of
from training.folds import Fold
from training.metrics import unweighted_average_recall
from training.protocols.answers import LEFT_OUT, Answers
from training.protocols.temperature import Answered, fit_to_distances
from training.storage.scheduling import Scheduler


@dataclass(frozen=True)
class Measured:
    """S seeds, K parts of N clips, and the outcome of every job."""

    experiment: Experiment
    plan: Plan
    answers: Answers
    outcomes: Mapping[Job, Outcome]

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The speakers of each part, K."""
        speakers = self.experiment.examples.speakers
        return tuple(tuple(np.unique(speakers[list(part)]).tolist()) for part in self.plan.parts)

    @property
    def fold(self) -> Integers:
        """The index of the part of each clip, (N,)."""
        parts = self.plan.parts
        return in_order([np.full(len(part), k) for k, part in enumerate(parts)], parts)

    def logits(self, name: str) -> Float32:
        """Of a form of request or a condition, (S, N, L)."""
        return logits_of(name, self._outer(), self.plan.parts)

    @property
    def distances(self) -> Float32:
        """Of the clips as they are from the training distribution, (N,)."""
        outer, *_ = self._outer()  # they depend on no seed
        return in_order([outcome.distances for outcome in outer], self.plan.parts)

    def answered(self, name: str) -> Answered:
        """The answers to requests of a form."""
        corpora = self.experiment.examples.corpora
        return Answered(self.logits(name), self.distances, self.answers, corpora)

    def evaluation(self, name: str, source: Sequence["Measured"]) -> Evaluation:
        """Of a form of request; clips whose emotion was not in the fit are left out.

        The logits are logarithms of probabilities, so that the temperatures of the folds are 1.
        Under a condition the temperature follows the distance of the clip as it is.

        Args:
            name: the form, or `CLEAN`.
            source: to whose answers for the clips of other folds the temperatures are fitted.
        """
        trainer, examples = self.experiment.trainer, self.experiment.examples
        fold, outer, seeds = self.fold, self._outer(), self.plan.seeds
        count = len(self.plan.parts)
        others = [temperature_of(source, name, fold != index) for index in range(count)]
        conditions = self.experiment.conditions if name == CLEAN else ()
        temperatures = np.choose(fold, [other.of(self.distances) for other in others])
        return Evaluation(
            network=trainer.name,
            input=trainer.model.input,
            labels=examples.labels,
            folds=self.folds,
            seeds=seeds,
            targets=self.answers.targets,
            speakers=examples.speakers,
            corpora=examples.corpora,
            fold=fold,
            logits=self._answered(name, temperatures),
            distances=self.distances,
            temperatures=np.ones((len(seeds), count)),
            robustness={item: self._answered(item, temperatures) for item in conditions},
            history={"loss": np.array([[outcome.losses for outcome in row] for row in outer])},
            permuted_uar=self._recall(self.plan.permuted()),
            random_split_uar=self._recall(self.plan.random_split()),
        ).where(self.answers.targets != LEFT_OUT)

    def _answered(self, name: str, temperatures: Float64) -> Float32:
        return self.answers.log_probabilities(self.logits(name), temperatures)

    def _outer(self) -> list[list[Outcome]]:
        """(S, K)."""
        return [[self.outcomes[job] for job in self.plan.outer(seed)] for seed in self.plan.seeds]

    def _recall(self, jobs: Sequence[Job]) -> float | None:
        """Of a control: of one job at most; the mean of the corpora."""
        if not jobs:
            return None
        (job,) = jobs
        rows = np.array(job.held_out)
        logits, ones = self.outcomes[job].logits[CLEAN][None], np.ones(len(rows))
        answers = self.answers.where(rows)
        predictions = answers.log_probabilities(logits, ones)[0].argmax(axis=1)
        corpora = self.experiment.examples.corpora[rows]
        masks = [corpora == name for name in np.unique(corpora)]
        recalls = [unweighted_average_recall(answers.targets[m], predictions[m]) for m in masks]
        return float(np.mean(recalls))


def temperature_of(source: Sequence[Measured], name: str, mask: Mask | None = None) -> Temperature:
    """From the clips that `mask` (N,) marks, of each protocol; each corpus weighs the same."""
    answered = [measured.answered(name) for measured in source]
    return fit_to_distances([a if mask is None else a.where(mask) for a in answered])


def measure_plan(
    experiment: Experiment, plan: Plan, answers: Answers, scheduler: Scheduler, what: str
) -> Measured:
    """Runs the jobs that were not run before.

    Args:
        experiment: the network, its examples and conditions.
        plan: what is held out, speaker by speaker.
        answers: how the networks of the plan answer to each clip.
        scheduler: where the fits run.
        what: the name of the progress bar, after that of the network.
    """
    jobs = plan.jobs()
    work = [(experiment, job) for job in jobs]
    found = run_jobs(work, scheduler, f"{experiment.trainer.name} {what}")
    return Measured(experiment, plan, answers, dict(zip(jobs, found, strict=True)))
