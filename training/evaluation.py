"""Evaluation of networks and systems on speakers that they were not fitted to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from training.arrays import Float32, Float64, Integers
from training.calibration import fit_temperature
from training.cross_validation import (
    CLEAN,
    Experiment,
    Job,
    Outcome,
    Pair,
    Part,
    Plan,
    all_pairs,
    neighbours,
    parts_of,
    run_jobs,
)
from training.folds import Fold
from training.metrics import (
    EmotionScore,
    Interval,
    Reliability,
    confusion,
    emotion_scores,
    reliability,
    speaker_interval,
    unweighted_average_recall,
)
from training.storage.scheduling import Scheduler
from training.systems.base.system import Input, Split

Outcomes = Mapping[Job, Outcome]
Number = TypeVar("Number", bound=np.generic)
Mask = npt.NDArray[np.bool_]

CONFIDENT = 0.7  # a probability from which on people take an answer as certain


@dataclass(frozen=True)
class Score:
    """A figure over the seeds."""

    mean: float
    deviation: float  # the standard deviation of the sample; 0 for a single seed

    @classmethod
    def over(cls, values: Float64) -> "Score":
        """The score of one value for each seed, (S,)."""
        deviation = values.std(ddof=1) if len(values) > 1 else 0.0
        return cls(float(values.mean()), float(deviation))


@dataclass(frozen=True)
class Confident:
    """Answers whose highest probability is at least `CONFIDENT`; each corpus weighs the same."""

    share: float  # of all answers
    precision: float | None  # the share of them that is right; none without such answers


@dataclass(frozen=True)
class Evaluation:
    """The predictions of a network for N utterances of held-out speakers.

    S seeds, K folds, L emotions. Each network was fitted without the speakers of one fold, and
    `logits` are its outputs for them. With several corpora, a figure is the mean of theirs.
    """

    network: str
    input: Input
    labels: tuple[str, ...]  # L, in alphabetical order
    folds: tuple[Fold, ...]  # K
    seeds: tuple[int, ...]  # S
    targets: Integers  # (N,), columns of `labels`
    speakers: npt.NDArray[np.str_]  # (N,)
    corpora: npt.NDArray[np.str_]  # (N,), keys
    fold: Integers  # (N,), index of the fold in which the utterance was held out
    logits: Float32  # (S, N, L), before any temperature
    distances: Float32  # (N,), from the training distribution of that fold
    temperatures: npt.NDArray[np.float64]  # (S, K), each fitted without that fold
    # By condition: (S, N, L), of the same clips, corrupted; not a number where not measured.
    robustness: Mapping[str, Float32]
    history: Mapping[str, Float32]  # by name of the curve, "loss" at least: (S, K, epochs)
    permuted_uar: float | None  # after training on permuted labels; chance unless labels leak
    random_split_uar: float | None  # inflated: the speakers of test clips were trained on
    forms: Mapping[str, Float32] = field(default_factory=dict)  # by form of request: (S, N, L)

    def given(self, form: str) -> "Evaluation":
        """The same for requests of another form, such as with prosody.

        Each temperature is fitted to the predictions in the other folds.
        """
        logits = self.forms[form]
        row = _of_other_folds(logits[0], self.targets, self.fold, len(self.folds))
        temperatures = np.tile(row, (len(self.seeds), 1))
        return replace(self, logits=logits, temperatures=temperatures, robustness={}, forms={})

    def of(self, corpus: str) -> "Evaluation":
        """The part that one corpus has in it."""
        return self.where(self.corpora == corpus)

    def where(self, mask: Mask) -> "Evaluation":
        """The utterances that `mask` (N,) marks."""
        return replace(
            self,
            targets=self.targets[mask],
            speakers=self.speakers[mask],
            corpora=self.corpora[mask],
            fold=self.fold[mask],
            logits=self.logits[:, mask],
            distances=self.distances[mask],
            robustness={name: rows[:, mask] for name, rows in self.robustness.items()},
            forms={name: rows[:, mask] for name, rows in self.forms.items()},
        )

    @property
    def predictions(self) -> Integers:
        """Columns of `labels`, (S, N)."""
        predictions: Integers = self.logits.argmax(axis=2)
        return predictions

    def probabilities(self) -> Float32:
        """(S, N, L), after the temperature of each utterance's fold."""
        temperatures = self.temperatures[:, self.fold, np.newaxis]
        probabilities: Float32 = softmax(self.logits / temperatures, axis=2).astype(np.float32)
        return probabilities

    def temperature(self) -> float:
        """The temperature to serve with: from all out-of-fold logits of all seeds."""
        logits = self.logits.reshape(-1, len(self.labels))
        return fit_temperature(logits, np.tile(self.targets, len(self.seeds)))

    def uar(self, condition: str | None = None) -> Score:
        """Unweighted average recall, of the clips as recorded or under a condition."""
        if condition is None:
            return Score.over(self._uar_of(self._all))
        rows = self.robustness[condition]
        return Score.over(self._uar_of(_measured(rows), rows.argmax(axis=2)))

    def as_recorded(self, condition: str) -> Score:
        """The recall of the clips that the condition was measured on, without it."""
        return Score.over(self._uar_of(_measured(self.robustness[condition])))

    def chance(self) -> float:
        """The recall of guessing: one by the number of emotions, the mean of the corpora."""
        counts = [len(np.unique(self.targets[mask])) for mask in self._by_corpus(self._all)]
        return float(np.mean([1 / count for count in counts]))

    def accuracy(self) -> Score:
        """The share of correct predictions."""
        right = self.predictions == self.targets
        means = [right[:, mask].mean(axis=1) for mask in self._by_corpus(self._all)]
        return Score.over(np.mean(means, axis=0))

    def macro_f1(self) -> Score:
        """The mean of the F1 of the emotions that occur."""
        found = [self._f1_of(mask) for mask in self._by_corpus(self._all)]
        return Score.over(np.mean(found, axis=0))

    def _f1_of(self, mask: Mask) -> Float64:
        """(S,), of one corpus."""
        targets, count = self.targets[mask], len(self.labels)
        tables = (confusion(targets, row[mask], count) for row in self.predictions)
        scores = [[score.f1 for score in emotion_scores(table)] for table in tables]
        means: Float64 = np.mean(np.array(scores)[:, np.unique(targets)], axis=1)
        return means

    def interval(self) -> Interval:
        """The 95 % interval of the recall, bootstrapped over speakers."""
        return speaker_interval(self.targets, self.predictions, self.speakers, self.corpora)

    def ece(self) -> Score:
        """Expected calibration error, with temperatures from elsewhere."""
        probabilities = self.probabilities()
        errors = [
            [reliability(rows[mask], self.targets[mask]).expected_error for rows in probabilities]
            for mask in self._by_corpus(self._all)
        ]
        return Score.over(np.mean(errors, axis=0))

    def confident(self) -> Confident:
        """How often it is sure, and how often it is right then, over all seeds."""
        probabilities = self.probabilities()
        sure = probabilities.max(axis=2) >= CONFIDENT
        right = sure & (probabilities.argmax(axis=2) == self.targets)
        masks = self._by_corpus(self._all)
        share = float(np.mean([sure[:, mask].mean() for mask in masks]))
        hits = float(np.mean([right[:, mask].mean() for mask in masks]))
        return Confident(share, hits / share if share else None)

    def reliability(self) -> Reliability:
        """Confidence against accuracy, over the predictions of all seeds."""
        probabilities = self.probabilities()
        rows = probabilities.reshape(-1, len(self.labels))
        return reliability(rows, np.tile(self.targets, len(self.seeds)))

    def confusion(self) -> Float64:
        """Utterances (L, L), a row for each true emotion: the mean of the seeds."""
        tables = [confusion(self.targets, row, len(self.labels)) for row in self.predictions]
        mean: Float64 = np.mean(tables, axis=0)
        return mean

    def emotions(self) -> dict[str, EmotionScore]:
        """Precision, recall and F1 of each emotion, over all seeds and utterances."""
        return dict(zip(self.labels, emotion_scores(self.confusion()), strict=True))

    def fold_uar(self) -> tuple[float, ...]:
        """The recall of each fold, K of them: the mean of the seeds."""
        masks = (self.fold == index for index in range(len(self.folds)))
        return tuple(float(self._uar_of(mask).mean()) for mask in masks)

    def speaker_uar(self) -> dict[str, float]:
        """The recall of each speaker: the mean of the seeds."""
        names = np.unique(self.speakers).tolist()
        return {name: float(self._uar_of(self.speakers == name).mean()) for name in names}

    @property
    def _all(self) -> Mask:
        return np.ones(len(self.targets), np.bool_)

    def _by_corpus(self, mask: Mask) -> list[Mask]:
        return [mask & (self.corpora == name) for name in np.unique(self.corpora[mask])]

    def _uar_of(self, mask: Mask, predictions: Integers | None = None) -> Float64:
        """Of each seed, (S,)."""
        rows = self.predictions if predictions is None else predictions
        masks = self._by_corpus(mask)
        recalls = [
            [unweighted_average_recall(self.targets[m], row[m]) for m in masks] for row in rows
        ]
        means: Float64 = np.mean(recalls, axis=1)
        return means


def _measured(rows: Float32) -> Mask:
    """The utterances (N,) of logits (S, N, L) that a condition was measured on."""
    measured: Mask = ~np.isnan(rows[0, :, 0])
    return measured


def evaluate(
    experiment: Experiment,
    folds: tuple[Fold, ...],
    seeds: Sequence[int],
    scheduler: Scheduler,
    *,
    controls: bool,
) -> Evaluation:
    """Fits K networks for each seed, and more for temperatures and controls.

    No recording of a held-out speaker, augmented or not, is used in the fit that it measures.

    Args:
        experiment: the network and its examples.
        folds: the speakers that are held out together; at least 2 folds.
        seeds: those of the fits; the controls take the first.
        scheduler: where the fits run.
        controls: whether to measure on permuted labels and on a random split too.
    """
    examples, trainer = experiment.examples, experiment.trainer
    pairs = _inner_pairs(folds, trainer.model.input)
    plan = Plan(parts_of(examples, folds), pairs, tuple(seeds), controls)
    jobs = plan.jobs()
    found = run_jobs([(experiment, job) for job in jobs], scheduler, trainer.name)
    outcomes = dict(zip(jobs, found, strict=True))
    outer = [[outcomes[job] for job in plan.outer(seed)] for seed in seeds]
    targets, logits = examples.targets, logits_of(CLEAN, outer, plan.parts)
    fold = in_order([np.full(len(part), k) for k, part in enumerate(plan.parts)], plan.parts)
    return Evaluation(
        network=trainer.name,
        input=trainer.model.input,
        labels=examples.labels,
        folds=folds,
        seeds=plan.seeds,
        targets=targets,
        speakers=examples.speakers,
        corpora=examples.corpora,
        fold=fold,
        logits=logits,
        distances=in_order([outcome.distances for outcome in outer[0]], plan.parts),
        temperatures=np.tile(
            _temperatures(plan, outcomes, targets)
            if pairs
            else _of_other_folds(logits[0], targets, fold, len(folds)),
            (len(seeds), 1),
        ),
        robustness={name: logits_of(name, outer, plan.parts) for name in experiment.conditions},
        forms={name: logits_of(name, outer, plan.parts) for name in trainer.model.forms},
        history={"loss": np.array([[outcome.losses for outcome in row] for row in outer])},
        permuted_uar=_recall(plan.permuted(), outcomes, targets),
        random_split_uar=_recall(plan.random_split(), outcomes, targets),
    )


def logits_of(condition: str, outer: Sequence[Sequence[Outcome]], parts: Sequence[Part]) -> Float32:
    """Of every seed: (S, N, L)."""
    rows = ([outcome.logits[condition] for outcome in row] for row in outer)
    return np.stack([in_order(row, parts) for row in rows])


def in_order(rows: Sequence[npt.NDArray[Number]], parts: Sequence[Part]) -> npt.NDArray[Number]:
    """Rows by part, (n, ...) each, in the order of the utterances, (N, ...)."""
    return np.concatenate(rows)[np.argsort(np.concatenate(parts))]


def _inner_pairs(folds: Sequence[Fold], kind: Input) -> tuple[Pair, ...]:
    """The pairs of folds that inner fits hold out; none if one speaker were left to fit to."""
    # All pairs give more exact temperatures, and fits of vector networks take only seconds.
    pairs = (all_pairs if kind == "vector" else neighbours)(len(folds))
    speakers = sum(map(len, folds))
    left = [speakers - len(folds[one]) - len(folds[other]) for one, other in pairs]
    return tuple(pairs) if min(left) > 1 else ()


def _of_other_folds(logits: Float32, targets: Integers, fold: Integers, count: int) -> list[float]:
    """A temperature for each of `count` folds: fitted to the predictions in all others."""
    others = [fold != index for index in range(count)]
    return [fit_temperature(logits[mask], targets[mask]) for mask in others]


def _temperatures(plan: Plan, outcomes: Outcomes, targets: Integers) -> list[float]:
    """Of each fold: fitted to speakers of other folds, once for all seeds."""
    return [_temperature(plan, fold, outcomes, targets) for fold in range(len(plan.parts))]


def _temperature(plan: Plan, fold: int, outcomes: Outcomes, targets: Integers) -> float:
    """Of one fold: from networks that were fitted neither to it nor to the fold they predict."""
    answers = [
        plan.held_out_of(partner, job, outcomes[job])
        for partner, job in plan.partners(fold).items()
    ]
    utterances = np.concatenate([rows for _, rows in answers])
    return fit_temperature(np.concatenate([logits for logits, _ in answers]), targets[utterances])


def _recall(jobs: Sequence[Job], outcomes: Outcomes, targets: Integers) -> float | None:
    """Over the held-out utterances of all jobs together."""
    if not jobs:
        return None
    held_out = np.concatenate([job.held_out for job in jobs])
    logits = np.concatenate([outcomes[job].logits[CLEAN] for job in jobs])
    return unweighted_average_recall(targets[held_out], logits.argmax(axis=1))


@dataclass(frozen=True)
class Measurement:
    """The predictions of a system for N utterances, each by a fit that held it out."""

    system: str
    protocol: Split
    parts: tuple[Part, ...]  # K
    probabilities: Float32  # (N, L), in the order of the utterances
    seconds: tuple[float, ...]  # of each fit, K; computing on one thread
    losses: tuple[Float32, ...]  # of each fit, K: (epochs,)
    chosen: tuple[str, ...] | None = None  # of several models, the one that each fold chose


def measure(
    experiments: Sequence[Experiment],
    split: Split,
    parts: tuple[Part, ...],
    scheduler: Scheduler,
) -> list[Measurement]:
    """Measures all models of one system and, of several models, the choice among them last.

    For each fold, the model with the highest mean recall on the other folds is chosen. The fits
    that this recall is measured on hold out this fold too.
    """
    system, several = experiments[0].trainer.system, len(experiments) > 1
    seed = system.seed
    pairs = tuple(all_pairs(len(parts))) if several else ()
    plan = Plan(parts, pairs, (seed,), complete=False)
    work = [(experiment, job) for experiment in experiments for job in plan.jobs()]
    found = iter(run_jobs(work, scheduler, system.name))
    outcomes = [{job: next(found) for job in plan.jobs()} for _ in experiments]
    outer = [[of_model[job] for job in plan.outer(seed)] for of_model in outcomes]
    measured = [
        _measurement(experiment.trainer.name, split, parts, row)
        for experiment, row in zip(experiments, outer, strict=True)
    ]
    if not several:
        return measured
    targets = experiments[0].examples.targets
    choice = [_choose(plan, fold, outcomes, targets) for fold in range(len(parts))]
    fits = [outer[index][fold] for fold, index in enumerate(choice)]
    names = tuple(experiments[index].trainer.model.name for index in choice)
    return [*measured, _measurement(system.name, split, parts, fits, names)]


def _choose(plan: Plan, fold: int, models: Sequence[Outcomes], targets: Integers) -> int:
    """The model with the highest mean recall on the other folds; the first of equals."""

    def recall(outcomes: Outcomes, partner: int, job: Job) -> float:
        logits, utterances = plan.held_out_of(partner, job, outcomes[job])
        return unweighted_average_recall(targets[utterances], logits.argmax(axis=1))

    partners = plan.partners(fold).items()
    recalls = [np.mean([recall(outcomes, *partner) for partner in partners]) for outcomes in models]
    return int(np.argmax(recalls))


def _measurement(
    name: str,
    split: Split,
    parts: tuple[Part, ...],
    outcomes: Sequence[Outcome],
    chosen: tuple[str, ...] | None = None,
) -> Measurement:
    logits = in_order([outcome.logits[CLEAN] for outcome in outcomes], parts)
    return Measurement(
        system=name,
        protocol=split,
        parts=parts,
        probabilities=np.asarray(softmax(logits, axis=1), np.float32),
        seconds=tuple(outcome.seconds for outcome in outcomes),
        losses=tuple(outcome.losses for outcome in outcomes),
        chosen=chosen,
    )
