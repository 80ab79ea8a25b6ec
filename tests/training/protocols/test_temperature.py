from dataclasses import replace

import numpy as np
import pytest

from training.arrays import Float32, Integers
from training.calibration import Temperature
from training.protocols.answers import LEFT_OUT, Answers
from training.protocols.temperature import Answered, fit_to_distances

EVERY = np.arange(4)


def drawn(count: int, seed: int) -> tuple[Float32, Integers]:
    """Logits, and targets that are drawn from their softmax."""
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(count, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = (shares.cumsum(axis=1) < random.random((count, 1))).sum(axis=1)
    return logits.astype(np.float32), targets


def answered(logits: Float32, targets: Integers, scale: Temperature, seed: int = 0) -> Answered:
    """Answers of two fits, too sure by `scale`, at distances of 0.3 to 3."""
    distances = np.random.default_rng(seed).uniform(0.3, 3, len(targets)).astype(np.float32)
    scaled = (logits * scale.of(distances)[:, None]).astype(np.float32)
    answers = Answers(np.tile(EVERY, (len(targets), 1)), targets)
    return Answered(np.stack([scaled] * 2), distances, answers, np.full(len(targets), "one"))


@pytest.mark.parametrize("scale", [Temperature(3), Temperature(1.5, 0.7)])
def test_a_scale_of_the_logits_is_undone(scale: Temperature) -> None:
    found = fit_to_distances([answered(*drawn(10_000, 0), scale)])
    assert found.at_one == pytest.approx(scale.at_one, rel=0.05)
    assert found.exponent == pytest.approx(scale.exponent, abs=0.07)


def test_a_small_corpus_weighs_as_much_as_a_large_one() -> None:
    sure = answered(*drawn(10_000, 0), Temperature(4))
    unsure = answered(*drawn(1_000, 1), Temperature(1))
    both = Answered(
        np.concatenate([sure.logits, unsure.logits], axis=1),
        np.concatenate([sure.distances, unsure.distances]),
        Answers(
            np.concatenate([sure.answers.counted_as, unsure.answers.counted_as]),
            np.concatenate([sure.answers.targets, unsure.answers.targets]),
        ),
        np.array(["large"] * 10_000 + ["small"] * 1_000),
    )
    together = replace(both, corpora=np.full(11_000, "one"))
    even = fit_to_distances([both]).at_one
    assert 1.2 < even < fit_to_distances([together]).at_one - 0.2
    large = both.where(both.corpora == "large")
    assert fit_to_distances([large]).at_one == pytest.approx(4, rel=0.05)


def test_protocols_weigh_the_same() -> None:
    sure, unsure = (answered(*drawn(5_000, seed), Temperature(4 - 3 * seed)) for seed in (0, 1))
    many = answered(*drawn(50_000, 2), Temperature(4))
    found = fit_to_distances([sure, unsure]).at_one
    assert found == pytest.approx(fit_to_distances([many, unsure]).at_one, rel=0.05)


def test_only_emotions_that_count_do() -> None:
    logits, targets = drawn(10_000, 0)
    found = answered(logits, targets, Temperature(2))
    loud = np.concatenate([found.logits, np.full((2, len(targets), 1), 50, np.float32)], axis=2)
    half = np.arange(len(targets)) % 2 == 0
    counted_as = np.tile([*EVERY, LEFT_OUT], (len(targets), 1))
    unmeasured = Answers(counted_as, np.where(half, targets, LEFT_OUT))
    alone = fit_to_distances([replace(found, logits=loud, answers=unmeasured)])
    assert alone == fit_to_distances([found.where(half)])
    assert alone.at_one == pytest.approx(2, rel=0.05)
