"""Targets over the emotions of each corpus, and the weights that balance corpora and emotions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from training.examples import Examples
from training.fitting.targets import Targets, balancing_weights, cross_entropy

LABELS = ("angry", "calm", "happy", "neutral")
POSSIBLE = {"small": [True, True, False, False], "large": [True, False, True, True]}
# Utterances of each emotion in each corpus.
COUNTS = {"small": {0: 3, 1: 1}, "large": {0: 10, 2: 20, 3: 34}}


@pytest.fixture(scope="module")
def union() -> Examples:
    """Two corpora: the one has calm, the other happy and neutral, and many more utterances."""
    rows = [
        (corpus, target)
        for corpus, counts in COUNTS.items()
        for target, count in counts.items()
        for _ in range(count)
    ]
    return Examples(
        features=np.zeros((len(rows), 1, 25), np.float32),
        targets=np.array([target for _, target in rows]),
        speakers=np.full(len(rows), "someone"),
        content_hashes=np.full(len(rows), "0"),
        auxiliary_labels=np.full((len(rows), 3), -1),
        corpora=np.array([corpus for corpus, _ in rows]),
        possible=np.array([POSSIBLE[corpus] for corpus, _ in rows]),
        labels=LABELS,
    )


def of_corpus(union: Examples, corpus: str) -> Examples:
    return union.where(union.corpora == corpus)


def test_smoothing_spreads_over_the_emotions_of_the_corpus_alone(union: Examples) -> None:
    shares = Targets.of(of_corpus(union, "large"), smoothing=0.3, balanced=False).shares
    assert shares[0].tolist() == pytest.approx([0.8, 0, 0.1, 0.1])
    assert torch.allclose(shares.sum(1), torch.ones(len(shares)))


def test_an_emotion_that_the_corpus_lacks_does_not_change_the_loss(union: Examples) -> None:
    targets = Targets.of(of_corpus(union, "small"), smoothing=0.1, balanced=True)
    logits = torch.randn(len(targets.shares), len(LABELS), requires_grad=True)
    loss = cross_entropy(logits, targets)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert not logits.grad[:, 2:].any()
    assert logits.grad[:, :2].any()
    other = logits.detach().clone()
    other[:, 2:] += 50
    assert cross_entropy(other, targets).item() == pytest.approx(loss.item())


def test_the_loss_is_that_of_a_network_for_the_emotions_of_the_corpus(union: Examples) -> None:
    small = of_corpus(union, "small")
    own = replace(small, labels=LABELS[:2], possible=small.possible[:, :2])
    logits = torch.randn(len(small.targets), len(LABELS))
    losses = [
        cross_entropy(rows, Targets.of(examples, smoothing=0.1, balanced=True)).item()
        for rows, examples in ((logits, small), (logits[:, :2], own))
    ]
    assert losses[0] == pytest.approx(losses[1])


def test_the_loss_of_a_mixture_runs_over_the_emotions_of_both(union: Examples) -> None:
    both = union.where(np.array([0, 4]))  # one of each corpus
    targets = Targets.of(both, smoothing=0.0, balanced=False)
    assert targets.possible.tolist() == [POSSIBLE["small"], POSSIBLE["large"]]
    mixed = targets.mixed(torch.tensor([1, 0]), 0.75)
    assert mixed.possible.all()
    alike = targets.mixed(torch.tensor([0, 1]), 0.75)
    assert alike.possible.equal(targets.possible)
    assert alike.shares.allclose(targets.shares)


@pytest.mark.parametrize("share", [0.75, torch.tensor([[0.75], [0.75]])])
def test_targets_are_mixed_as_the_clips_are(union: Examples, share: torch.Tensor | float) -> None:
    targets = Targets.of(union.where(np.array([0, 67])), smoothing=0.0, balanced=False)
    mixed = targets.mixed(torch.tensor([1, 0]), share)
    assert mixed.shares.tolist() == [[0.75, 0, 0, 0.25], [0.25, 0, 0, 0.75]]


def test_every_emotion_of_a_corpus_has_the_same_weight_and_no_corpus_drowns_the_other(
    union: Examples,
) -> None:
    weights = balancing_weights(union)
    assert weights.mean() == pytest.approx(1)
    totals = {
        corpus: [
            weights[(union.corpora == corpus) & (union.targets == target)].sum()
            for target in counts
        ]
        for corpus, counts in COUNTS.items()
    }
    for of_emotions in totals.values():
        assert of_emotions == pytest.approx([of_emotions[0]] * len(of_emotions))
    # 4 and 64 utterances: the square root of 16 times as many.
    assert sum(totals["large"]) / sum(totals["small"]) == pytest.approx(4)


def test_the_targets_of_an_utterance_sum_to_its_weight(union: Examples) -> None:
    targets = Targets.of(union, smoothing=0.1, balanced=True)
    np.testing.assert_allclose(targets.shares.sum(1), balancing_weights(union), rtol=1e-5)
