import numpy as np
import pytest

from training.metrics import (
    confusion,
    emotion_scores,
    reliability,
    speaker_interval,
    unweighted_average_recall,
)

TARGETS = np.array([0, 0, 0, 0, 1, 1])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 0])


def test_figures_are_those_of_the_definition() -> None:
    counts = confusion(TARGETS, PREDICTIONS, 2)
    assert counts.tolist() == [[3, 1], [1, 1]]
    assert unweighted_average_recall(TARGETS, PREDICTIONS) == pytest.approx((3 / 4 + 1 / 2) / 2)
    calm, sad = emotion_scores(counts)
    assert (calm.precision, calm.recall, calm.utterances) == (3 / 4, 3 / 4, 4)
    assert sad.f1 == pytest.approx(1 / 2)


def test_an_emotion_that_does_not_occur_is_no_recall_and_no_error() -> None:
    assert unweighted_average_recall(np.array([1, 1]), np.array([1, 0])) == 0.5
    assert emotion_scores(confusion(np.array([1, 1]), np.array([1, 2]), 3))[0].recall == 0


def test_calibration_error_of_a_known_case() -> None:
    """Ten answers at 0.9 of which half are right, ten at 0.6 of which six are."""
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10, np.float32)
    targets = np.array([0] * 5 + [1] * 5 + [0] * 6 + [1] * 4)
    table = reliability(probabilities, targets)
    assert table.expected_error == pytest.approx(0.5 * 0.4, abs=1e-6)
    assert table.share[[13, 9]].tolist() == [0.5, 0.5]
    assert table.accuracy[13] == 0.5


def test_probabilities_that_are_right_have_almost_no_calibration_error() -> None:
    random = np.random.default_rng(0)
    sure = random.uniform(0.5, 1, 50_000)
    targets = (random.random(50_000) > sure).astype(np.int64)
    probabilities = np.stack([sure, 1 - sure], axis=1).astype(np.float32)
    assert reliability(probabilities, targets).expected_error < 0.01


def test_the_interval_holds_the_recall_and_narrows_with_more_speakers() -> None:
    def width(count: int) -> float:
        random = np.random.default_rng(1)
        skill = random.uniform(0.4, 0.9, count).repeat(40)
        speakers = np.arange(count).astype(str).repeat(40)
        targets = np.tile(np.arange(4), 10 * count)
        right = random.random((3, len(targets))) < skill
        predictions = np.where(right, targets, (targets + 1) % 4)
        interval = speaker_interval(targets, predictions, speakers)
        mean = float(np.mean([unweighted_average_recall(targets, row) for row in predictions]))
        assert interval.low < mean < interval.high
        return interval.high - interval.low

    assert width(160) < 0.6 * width(20)


def test_the_interval_knows_that_a_voice_is_right_or_wrong_as_a_whole() -> None:
    """Half of the speakers always right, half never: 40 utterances of each tell no more than 1."""
    speakers = np.arange(20).astype(str).repeat(40)
    targets = np.tile(np.arange(4), 200)
    right = np.arange(20).repeat(40) % 2 == 0
    interval = speaker_interval(targets, np.where(right, targets, 4)[None], speakers)
    assert interval.low == pytest.approx(0.3, abs=0.06)
    assert interval.high == pytest.approx(0.7, abs=0.06)
