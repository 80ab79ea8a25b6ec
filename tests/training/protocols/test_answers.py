import numpy as np
import pytest

from training.arrays import Float32, Float64
from training.examples import Examples
from training.protocols.answers import LEFT_OUT, Answers, NoCommonEmotionsError, answers_of

CALM, HAPPY, NEUTRAL, SAD = 1, 2, 3, 4


@pytest.fixture
def known(union: Examples) -> Answers:
    """The network knows every emotion."""
    return answers_of(union, union.possible, np.ones_like(union.possible))


@pytest.fixture
def without_calm(union: Examples) -> Answers:
    """The network was trained on corpora without calm and without happy."""
    fitted = np.ones_like(union.possible)
    fitted[:, [CALM, HAPPY]] = False
    return answers_of(union, union.possible, fitted)


def logits(row: dict[int, float], clips: int) -> Float32:
    values = np.zeros((1, clips, 5), np.float32)
    for column, value in row.items():
        values[..., column] = value
    return values


def probabilities(answers: Answers, row: dict[int, float], temperature: float = 1.0) -> Float64:
    clips = len(answers.targets)
    found = answers.log_probabilities(logits(row, clips), np.full(clips, temperature))
    shares: Float64 = np.exp(found[0].astype(np.float64))
    return shares


def test_an_answer_is_one_of_the_emotions_of_the_corpus(union: Examples, known: Answers) -> None:
    found = probabilities(known, {SAD: 5})
    assert (found.argmax(axis=1) == SAD).tolist() == (union.corpora != "stage").tolist()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert found[~union.possible].max() < 1e-6


def test_calm_counts_as_neutral_where_a_corpus_has_but_one(union: Examples, known: Answers) -> None:
    found = probabilities(known, {CALM: 1.0, NEUTRAL: 0.5, HAPPY: 1.2})
    stage = union.corpora == "stage"
    assert set(found[stage].argmax(axis=1).tolist()) == {HAPPY}
    street = found[union.corpora == "street"]
    assert set(street.argmax(axis=1).tolist()) == {NEUTRAL}
    weights = np.exp([0, 1.0, 1.2, 0.5, 0])
    np.testing.assert_allclose(street[:, NEUTRAL], (weights[1] + weights[3]) / weights.sum(), 1e-5)


def test_the_temperature_comes_before_calm_and_neutral_are_added(
    union: Examples, known: Answers
) -> None:
    row = {CALM: 1.0, NEUTRAL: 1.0, HAPPY: 1.5}
    street = union.corpora == "street"
    warm, cold = (probabilities(known, row, t)[street].argmax(axis=1) for t in (1.0, 0.1))
    assert (set(warm.tolist()), set(cold.tolist())) == ({NEUTRAL}, {HAPPY})


def test_calm_clips_are_neutral_for_a_network_that_does_not_know_calm(
    union: Examples, known: Answers, without_calm: Answers
) -> None:
    calm = union.targets == CALM
    assert set(known.targets[calm].tolist()) == {CALM}
    assert set(without_calm.targets[calm].tolist()) == {NEUTRAL}


def test_an_emotion_that_was_not_trained_is_not_measured(
    union: Examples, without_calm: Answers
) -> None:
    happy = union.targets == HAPPY
    np.testing.assert_array_equal(without_calm.targets == LEFT_OUT, happy)
    assert probabilities(without_calm, {HAPPY: 9})[:, HAPPY].max() < 1e-6


def test_a_corpus_without_common_emotions_is_named(union: Examples) -> None:
    fitted = np.zeros_like(union.possible)
    fitted[:, SAD] = True
    with pytest.raises(NoCommonEmotionsError, match=r"radio: has 1 emotions .* which have sad"):
        answers_of(union, union.possible, fitted)
