from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.training.conftest import Here
from training.calibration import distance_limit, fit_temperature
from training.corpora.ravdess import RAVDESS
from training.corruptions import CONDITIONS
from training.cross_validation import Experiment, Plan, all_pairs, neighbours, parts_of
from training.evaluation import Evaluation, evaluate
from training.examples import Examples
from training.features.cache import FeatureCache
from training.features.extraction import Extraction
from training.folds import Fold, speaker_folds
from training.metrics import unweighted_average_recall
from training.protocols.conditions import corrupted_features
from training.systems import dnn
from training.systems.base.system import Caches
from training.systems.base.trainer import Trainer

QUICK = {"epochs": 60, "batch_size": 64, "variants": 0}
IDLE = QUICK | {"epochs": 3}  # where it does not matter what is learnt
HERE = Here()


@pytest.fixture(scope="module")
def folds(examples: Examples) -> tuple[Fold, ...]:
    return speaker_folds(examples.speakers.tolist(), RAVDESS.sex)


def trainer_of(cache: FeatureCache, hyperparameters: dict[str, int], seed: int = 1) -> Trainer:
    caches = replace(Caches.under(Path()), features=cache)
    return Trainer.of(dnn.SYSTEM.with_hyperparameters(hyperparameters), caches, seed)


def experiment_of(
    examples: Examples,
    cache: FeatureCache,
    directory: Path,
    hyperparameters: dict[str, int] = QUICK,
) -> Experiment:
    return Experiment(trainer_of(cache, hyperparameters), examples, directory, {})


@pytest.fixture(scope="module")
def evaluation(
    examples: Examples,
    cache: FeatureCache,
    folds: tuple[Fold, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Evaluation:
    experiment = experiment_of(examples, cache, tmp_path_factory.mktemp("outcomes"))
    return evaluate(experiment, folds, (1, 2), HERE, controls=True)


def test_held_out_voices_are_told_better_than_by_chance(evaluation: Evaluation) -> None:
    assert evaluation.uar().mean > 0.28
    interval = evaluation.interval()
    assert interval.low < evaluation.uar().mean < interval.high
    values = [unweighted_average_recall(evaluation.targets, p) for p in evaluation.predictions]
    assert evaluation.uar().deviation == pytest.approx(abs(values[0] - values[1]) / 2**0.5)


def test_permuted_labels_fall_to_chance(evaluation: Evaluation) -> None:
    assert evaluation.permuted_uar == pytest.approx(1 / 8, abs=0.06)


def test_temperatures_from_inside_calibrate_what_is_outside(evaluation: Evaluation) -> None:
    assert evaluation.temperatures.shape == (2, 5)
    assert len(np.unique(evaluation.temperatures)) == 5
    assert evaluation.ece().mean < 0.15


def test_without_controls_there_are_none(
    examples: Examples, cache: FeatureCache, folds: tuple[Fold, ...], tmp_path: Path
) -> None:
    plan = Plan(parts_of(examples, folds), tuple(neighbours(5)), (1,))
    assert len(plan.jobs()) == 5 + 3
    experiment = experiment_of(examples, cache, tmp_path, IDLE)
    result = evaluate(experiment, folds, (1,), HERE, controls=False)
    assert (result.permuted_uar, result.random_split_uar) == (None, None)
    assert result.uar().deviation == 0


def test_no_speaker_helps_to_fit_what_measures_them(
    examples: Examples, folds: tuple[Fold, ...]
) -> None:
    parts, seeds = parts_of(examples, folds), (1, 2, 3)
    cheap = Plan(parts, tuple(neighbours(5)), seeds, controls=True)
    assert len(cheap.jobs()) == 3 * 5 + 3 + 2
    plan = Plan(parts, tuple(all_pairs(5)), seeds, controls=True)
    assert len(plan.jobs()) == 3 * 5 + 10 + 2
    for number, (fold, job) in enumerate(zip(folds, plan.outer(1), strict=True)):
        held_out = set(np.flatnonzero(examples.of(fold)).tolist())
        assert set(job.held_out) == held_out
        assert plan.partners(number).keys() == set(range(5)) - {number}
        for partner, inner in (plan.partners(number) | cheap.partners(number)).items():
            assert set(inner.held_out) == held_out | set(plan.parts[partner])


def test_what_was_done_before_a_stop_is_not_done_again(
    examples: Examples, cache: FeatureCache, folds: tuple[Fold, ...], tmp_path: Path
) -> None:
    class Interrupted(Here):
        def run(self, function: Any, tasks: Any, what: str, unit: str) -> Any:
            for task in tasks[:3]:
                function(task)
            raise KeyboardInterrupt

    class Counting(Here):
        def run(self, function: Any, tasks: Any, what: str, unit: str) -> Any:
            counts.append(len(tasks))
            return super().run(function, tasks, what, unit)

    counts: list[int] = []
    whole = experiment_of(examples, cache, tmp_path / "whole", IDLE)
    expected = evaluate(whole, folds, (1, 2), HERE, controls=True)
    experiment = experiment_of(examples, cache, tmp_path / "stopped", IDLE)
    with pytest.raises(KeyboardInterrupt):
        evaluate(experiment, folds, (1, 2), Interrupted(), controls=True)
    results = [evaluate(experiment, folds, (1, 2), Counting(), controls=True) for _ in range(2)]
    assert counts == [2 * 5 + 10 + 2 - 3, 0]
    for result in results:
        np.testing.assert_array_equal(result.logits, expected.logits)
        assert result.permuted_uar == expected.permuted_uar


def test_other_examples_or_settings_are_other_outcomes(
    examples: Examples, cache: FeatureCache, clouds: Examples, tmp_path: Path
) -> None:
    experiment = experiment_of(examples, cache, tmp_path)
    longer, seeded = trainer_of(cache, QUICK | {"epochs": 61}), trainer_of(cache, QUICK, seed=9)
    parts = parts_of(examples, (("01",), ("02",), ("03",)))
    (job, *_) = Plan(parts, tuple(neighbours(3)), (1,)).jobs()
    paths = {
        experiment.path(job),
        experiment_of(clouds, cache, tmp_path).path(job),
        Experiment(longer, examples, tmp_path, {}).path(job),
        Experiment(seeded, examples, tmp_path, {}).path(job),
    }
    assert len(paths) == 3


def first_clips(examples: Examples, speakers: Sequence[str]) -> npt.NDArray[np.bool_]:
    """A mask (N,): of each of these speakers, the first clip of each emotion."""
    pairs = list(zip(examples.speakers.tolist(), examples.targets.tolist(), strict=True))
    first = [pairs.index(pair) for pair in set(pairs) if pair[0] in speakers]
    return np.isin(np.arange(len(pairs)), first)


def test_recall_is_measured_under_every_condition(
    extraction: Extraction, examples: Examples, cache: FeatureCache, tmp_path: Path
) -> None:
    speakers = ("01", "02", "03")
    some = first_clips(examples, speakers)
    few = examples.where(some)
    utterances = [u for u, kept in zip(extraction.corpora.utterances, some, strict=True) if kept]
    folds = tuple((speaker,) for speaker in speakers)
    paths = [utterance.path for utterance in utterances]
    conditions = corrupted_features(paths, few, folds, cache, HERE)
    experiment = Experiment(trainer_of(cache, IDLE), few, tmp_path, conditions)
    result = evaluate(experiment, folds, (1,), HERE, controls=False)
    assert tuple(result.robustness) == CONDITIONS
    assert all(rows.shape == result.logits.shape for rows in result.robustness.values())
    assert not any(np.allclose(rows, result.logits) for rows in result.robustness.values())


def test_temperature_undoes_a_scale_of_the_logits() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 4)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([random.choice(4, p=row / row.sum()) for row in probabilities])
    assert fit_temperature(3 * logits, targets) == pytest.approx(3, rel=0.1)


def test_the_distance_limit_lets_unseen_voices_pass() -> None:
    distances = np.random.default_rng(0).gamma(4, size=1_200).astype(np.float32)
    assert (distances > distance_limit(distances)).mean() <= 0.01
