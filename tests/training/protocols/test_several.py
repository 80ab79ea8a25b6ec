from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.conftest import Here
from tests.training.protocols.conftest import SPEAKERS, experiment_of
from training.cross_validation import Experiment, Job
from training.examples import Examples
from training.export.protocol_figures import protocol_figures
from training.features.cache import FeatureCache
from training.folds import Fold
from training.metrics import unweighted_average_recall
from training.protocols.folds import union_folds
from training.protocols.results import MFCCS_ALONE, Results, usual, with_baseline
from training.protocols.several import evaluate_corpora
from training.systems import dnn_prosody
from training.systems.base.trainer import Trainer
from training.voice.summary import SUMMARY

SEEDS = (1, 2)


class Recording(Here):
    """Notes every fit that is made."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "jobs", [])

    def run(self, function: Any, tasks: Any, what: str, unit: str) -> Any:
        self.jobs.extend(job for _, job, _ in tasks)  # type: ignore[attr-defined]
        return super().run(function, tasks, what, unit)


@pytest.fixture(scope="module")
def folds(union: Examples) -> tuple[Fold, ...]:
    return union_folds(union.speakers.tolist(), lambda _: "", count=SPEAKERS)


@pytest.fixture(scope="module")
def experiment(
    union: Examples, frames: FeatureCache, tmp_path_factory: pytest.TempPathFactory
) -> Experiment:
    return experiment_of(union, frames, tmp_path_factory.mktemp("outcomes"), epochs=20)


@pytest.fixture(scope="module")
def fits() -> list[Job]:
    return []


@pytest.fixture(scope="module")
def results(experiment: Experiment, folds: tuple[Fold, ...], fits: list[Job]) -> Results:
    scheduler = Recording()
    found = evaluate_corpora(experiment, folds, SEEDS, scheduler, controls=True)
    fits += scheduler.jobs  # type: ignore[attr-defined]
    return found


def test_each_corpus_and_each_fold_is_held_out_once_for_each_seed(
    results: Results, fits: list[Job], union: Examples, folds: tuple[Fold, ...]
) -> None:
    assert results.several
    held_out = [(job.seed, frozenset(job.held_out)) for job in fits if job.complete]
    masks = [union.of(fold) for fold in folds]
    masks += [union.corpora == name for name in ("stage", "street", "radio")]
    expected = {(s, frozenset(np.flatnonzero(m).tolist())) for s in SEEDS for m in masks}
    assert len(held_out) == len(expected)
    assert set(held_out) == expected
    assert len(fits) == len(expected) + 2  # permuted labels, random split


def test_a_second_call_makes_no_fit(
    experiment: Experiment, folds: tuple[Fold, ...], results: Results
) -> None:
    scheduler = Recording()
    again = evaluate_corpora(experiment, folds, SEEDS, scheduler, controls=True)
    assert not scheduler.jobs  # type: ignore[attr-defined]
    assert again.temperatures == results.temperatures


def test_both_protocols_are_better_than_guessing(results: Results) -> None:
    for forms in (results.new_speakers, results.other_corpora):
        evaluation = usual(forms)
        assert evaluation.uar().mean > evaluation.chance() + 0.2
        assert evaluation.ece().mean < 0.2
        interval = evaluation.interval()
        assert interval.low < evaluation.uar().mean < interval.high
    assert results.evaluation.permuted_uar == pytest.approx(0.28, abs=0.15)
    assert results.evaluation.random_split_uar is not None


def test_a_figure_is_the_mean_of_the_corpora(results: Results) -> None:
    evaluation = results.other_corpora[MFCCS_ALONE]
    parts = [evaluation.of(name) for name in ("stage", "street", "radio")]
    for figure in ("uar", "accuracy", "macro_f1", "ece"):
        means = [getattr(part, figure)().mean for part in parts]
        assert getattr(evaluation, figure)().mean == pytest.approx(np.mean(means))
    assert evaluation.confident().share == pytest.approx(
        np.mean([part.confident().share for part in parts])
    )
    rows = [unweighted_average_recall(parts[0].targets, row) for row in parts[0].predictions]
    assert parts[0].uar().mean == pytest.approx(np.mean(rows))


def test_calm_is_told_from_neutral_by_networks_that_know_it(results: Results) -> None:
    """And its corpus has one emotion less for the others, none of which has calm."""
    new, other = results.new_speakers[MFCCS_ALONE], results.other_corpora[MFCCS_ALONE]
    assert (new.of("stage").chance(), other.of("stage").chance()) == (1 / 4, 1 / 3)
    assert new.of("street").chance() == other.of("street").chance() == 1 / 4
    calm = new.labels.index("calm")
    assert (new.of("stage").predictions == calm).any()
    assert not (new.of("street").predictions == calm).any()
    assert not (other.predictions == calm).any()


def test_the_temperature_of_a_corpus_is_of_the_others(
    union: Examples, frames: FeatureCache, folds: tuple[Fold, ...], tmp_path: Path
) -> None:
    """Wrong labels of one corpus change the confidence in all but itself."""
    own = union.corpora == "street"
    wrong = union.targets.copy()
    wrong[own] = np.roll(wrong[own], 7)
    fitted = [
        evaluate_corpora(changed, folds, (1,), Here(), controls=False)
        for changed in _same_fits(experiment_of(union, frames, tmp_path, 20), wrong)
    ]
    before, after = (found.other_corpora[MFCCS_ALONE] for found in fitted)
    for name in ("stage", "street", "radio"):
        same = np.array_equal(before.of(name).logits, after.of(name).logits)
        assert same == (name == "street")


def _same_fits(experiment: Experiment, targets: Any) -> list[Experiment]:
    """The second finds the outcomes of the first, though its clips have other labels."""

    class Kept(Experiment):
        def path(self, job: Job) -> Path:
            return experiment.path(job)

    changed = replace(experiment.examples, targets=targets)
    other = Kept(experiment.trainer, changed, experiment.directory, {})
    return [experiment, other]


def test_requests_with_prosody_and_baselines_have_their_own_figures(
    union: Examples, frames: FeatureCache, folds: tuple[Fold, ...], tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    summaries = np.abs(random.normal(size=(len(union.targets), 1, SUMMARY))).astype(np.float32)
    quick = dnn_prosody.SYSTEM.with_hyperparameters({"epochs": 1})
    trainer = Trainer.of(quick, experiment_of(union, frames, tmp_path, 1).trainer.caches)
    examples = replace(union, features=summaries)
    experiment = Experiment(trainer, examples, tmp_path, {})
    results = evaluate_corpora(experiment, folds, (1,), Here(), controls=False)
    forms = {MFCCS_ALONE, "prosody", "baseline", "prosody and baseline"}
    for found in (results.new_speakers, results.other_corpora, results.temperatures):
        assert set(found) == forms
    assert usual(results.other_corpora) is results.other_corpora["prosody"]
    baseline = with_baseline(results.other_corpora)
    assert baseline
    assert baseline is results.other_corpora["prosody and baseline"]
    assert len({found.logits.tobytes() for found in results.other_corpora.values()}) == 4
    found = protocol_figures(results, {"stage": "Stage", "radio": "Radio"})["otherCorpora"]
    for figure, form in (("mfccsUar", MFCCS_ALONE), ("uar", "prosody")):
        assert found[figure] == round(results.other_corpora[form].uar().mean, 4)
    assert found["baselineUar"] == round(baseline.uar().mean, 4)
    assert [corpus["name"] for corpus in found["corpora"]] == ["Stage", "Radio"]
    assert found["corpora"][1]["baselineUar"] == round(baseline.of("radio").uar().mean, 4)
