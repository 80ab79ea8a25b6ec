import numpy as np
import pytest

from training.arrays import Float32, Integers
from training.protocols.answers import LEFT_OUT, Answers
from training.protocols.temperature import corpus_temperature

EVERY = np.arange(4)


def drawn(count: int, seed: int) -> tuple[Float32, Integers]:
    """Logits, and targets that are drawn from their softmax."""
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(count, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (shares.cumsum(axis=1) < random.random((count, 1))).sum(axis=1)
    return logits.astype(np.float32), targets


def test_a_scale_of_the_logits_is_undone() -> None:
    logits, targets = drawn(10_000, 0)
    answers = Answers(np.tile(EVERY, (len(targets), 1)), targets)
    corpora = np.full(len(targets), "one")
    everything = np.ones(len(targets), np.bool_)
    seeds = np.stack([3 * logits, 3 * logits])
    assert corpus_temperature(seeds, answers, corpora, everything) == pytest.approx(3, rel=0.05)
    assert corpus_temperature(seeds, answers, corpora, corpora == "one") == pytest.approx(3, 0.05)


def test_a_small_corpus_weighs_as_much_as_a_large_one() -> None:
    sure, unsure = drawn(10_000, 0), drawn(1_000, 1)
    logits = np.concatenate([4 * sure[0], unsure[0]])[None]
    targets = np.concatenate([sure[1], unsure[1]])
    answers = Answers(np.tile(EVERY, (len(targets), 1)), targets)
    large = np.arange(len(targets)) < len(sure[1])
    apart, together = np.where(large, "large", "small"), np.full(len(targets), "one")
    everything = np.ones(len(targets), np.bool_)
    even = corpus_temperature(logits, answers, apart, everything)
    assert 1.2 < even < corpus_temperature(logits, answers, together, everything) - 0.2
    assert corpus_temperature(logits, answers, apart, large) == pytest.approx(4, rel=0.05)


def test_only_emotions_that_count_do() -> None:
    logits, targets = drawn(10_000, 0)
    loud = np.concatenate([2 * logits, np.full((len(targets), 1), 50, np.float32)], axis=1)[None]
    counted_as = np.tile([*EVERY, LEFT_OUT], (len(targets), 1))
    corpora, everything = np.full(len(targets), "one"), np.ones(len(targets), np.bool_)
    half = np.arange(len(targets)) % 2 == 0
    unmeasured = Answers(counted_as, np.where(half, targets, LEFT_OUT))
    found = corpus_temperature(loud, unmeasured, corpora, everything)
    assert found == corpus_temperature(loud, Answers(counted_as, targets), corpora, half)
    assert found == pytest.approx(2, rel=0.05)
