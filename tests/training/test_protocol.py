from dataclasses import replace

import numpy as np
import pytest

from training.calibration import distance_limit, fit_temperature
from training.corpora import RAVDESS
from training.examples import Examples
from training.protocol import OutOfFold, ProtocolError, cross_validate, measure, speaker_folds
from training.settings import TrainingSettings

QUICK = TrainingSettings(epochs=60, batch_size=64, variants=0)
ACTORS = [f"{actor:02d}" for actor in range(1, 21)]


def test_every_speaker_is_held_out_once_and_the_sexes_are_even() -> None:
    folds = speaker_folds(ACTORS * 60, RAVDESS.sex)
    assert sorted(speaker for fold in folds for speaker in fold) == ACTORS
    assert [len(fold) for fold in folds] == [4] * 5
    assert all(sum(RAVDESS.sex(actor) == "male" for actor in fold) == 2 for fold in folds)
    assert folds == speaker_folds(ACTORS[::-1], RAVDESS.sex)


def test_too_few_speakers_for_the_folds_is_an_error() -> None:
    with pytest.raises(ProtocolError, match=r"2 speakers \(02, 01\); expected at least 5"):
        speaker_folds(["01", "02", "01"], RAVDESS.sex)


def test_metrics_are_those_of_the_definition() -> None:
    targets = np.array([0, 0, 0, 0, 1, 1])
    predictions = np.array([0, 0, 0, 1, 1, 0])
    logits = np.eye(2, dtype=np.float32)[predictions]
    result = OutOfFold((("x",),), np.zeros(6, np.int64), targets, logits, np.zeros(6, np.float32))
    metrics = measure(result, ("calm", "sad"))
    assert metrics.uar == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert metrics.accuracy == pytest.approx(4 / 6)
    assert metrics.fold_uar == pytest.approx((metrics.uar,))
    assert metrics.emotions["calm"].precision == pytest.approx(3 / 4)
    assert metrics.emotions["sad"].f1 == pytest.approx(1 / 2)
    assert metrics.confusion.tolist() == [[3, 1], [1, 1]]


def test_held_out_voices_are_told_better_than_by_chance(examples: Examples) -> None:
    assert uar(examples) > 0.28


def test_permuted_labels_fall_to_chance(examples: Examples) -> None:
    permuted = np.random.default_rng(0).permutation(examples.targets)
    assert uar(replace(examples, targets=permuted)) == pytest.approx(1 / 8, abs=0.06)


def uar(examples: Examples) -> float:
    folds = speaker_folds(examples.speakers.tolist(), RAVDESS.sex)
    result = cross_validate("DNN", examples, folds, QUICK)
    return measure(result, examples.labels).uar


def test_temperature_undoes_a_scale_of_the_logits() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 4)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([random.choice(4, p=row / row.sum()) for row in probabilities])
    assert fit_temperature(3 * logits, targets) == pytest.approx(3, rel=0.1)


def test_the_distance_limit_lets_unseen_voices_pass() -> None:
    distances = np.random.default_rng(0).gamma(4, size=1_200).astype(np.float32)
    assert (distances > distance_limit(distances)).mean() <= 0.01
