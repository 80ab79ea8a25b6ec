"""Evaluates a network of several corpora: on new speakers, and leaving one corpus out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from training.cross_validation import CLEAN, Experiment, Plan, parts_of
from training.evaluation import Mask
from training.examples import Examples
from training.folds import Fold
from training.protocols.answers import answers_of
from training.protocols.measured import Measured, measure_plan, temperature_of
from training.protocols.results import MFCCS_ALONE, Results
from training.storage.scheduling import Scheduler


def evaluate_corpora(
    experiment: Experiment,
    folds: tuple[Fold, ...],
    seeds: Sequence[int],
    scheduler: Scheduler,
    *,
    controls: bool,
) -> Results:
    """Fits K networks for each seed, and one without each corpus.

    Every temperature is fitted to answers of both protocols: for a left-out corpus to clips of the
    others, for a fold of new speakers to clips of other speakers.

    Args:
        experiment: the network and its examples, of at least two corpora.
        folds: the speakers that are held out together, of all corpora.
        seeds: those of the fits; the controls take the first.
        scheduler: where the fits run.
        controls: whether to measure on permuted labels and on a random split too.

    Raises:
        NoCommonEmotionsError: a corpus has fewer than two emotions that the others have.
    """
    foreign = _other_corpora(experiment, seeds, scheduler)
    known = _new_speakers(experiment, folds, seeds, scheduler, controls=controls)
    forms = {MFCCS_ALONE: CLEAN, **{form: form for form in experiment.trainer.model.forms}}
    both = (foreign, known)
    other, new = (
        {form: found.evaluation(name, both) for form, name in forms.items()} for found in both
    )
    served = {form: temperature_of(both, name) for form, name in forms.items()}
    return Results(new_speakers=new, other_corpora=other, temperatures=served)


def _new_speakers(
    experiment: Experiment,
    folds: tuple[Fold, ...],
    seeds: Sequence[int],
    scheduler: Scheduler,
    *,
    controls: bool,
) -> Measured:
    """The network knows every emotion of every corpus."""
    examples = experiment.examples
    answers = answers_of(examples, examples.possible, _emotions_of(examples))
    plan = Plan(parts_of(examples, folds), (), tuple(seeds), controls)
    return measure_plan(experiment, plan, answers, scheduler, "new speakers")


def _other_corpora(experiment: Experiment, seeds: Sequence[int], scheduler: Scheduler) -> Measured:
    """The network knows the emotions of the other corpora; no condition is measured."""
    examples = experiment.examples
    names = list(dict.fromkeys(examples.corpora.tolist()))
    fitted = np.zeros_like(examples.possible)
    for name in names:
        own = examples.corpora == name
        fitted[own] = examples.possible[~own].any(axis=0)
    folds = tuple(_speakers(examples, examples.corpora == name) for name in names)
    answers = answers_of(examples, examples.possible, fitted)
    plan = Plan(parts_of(examples, folds), (), tuple(seeds))
    clean = replace(experiment, conditions={})
    return measure_plan(clean, plan, answers, scheduler, "other corpora")


def _emotions_of(examples: Examples) -> Mask:
    """Those of all corpora, for each clip: (N, L)."""
    return np.broadcast_to(examples.possible.any(axis=0), examples.possible.shape)


def _speakers(examples: Examples, mask: Mask) -> Fold:
    return tuple(np.unique(examples.speakers[mask]).tolist())
