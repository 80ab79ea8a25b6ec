"""Estimates the time of a batch from the batches before it."""

import math

import pytest

from server.inference.cost_estimate import CostEstimate


def test_the_estimate_is_infinite_before_the_first_batch() -> None:
    assert CostEstimate().seconds(1) == math.inf


def test_the_estimate_uses_the_least_time_per_row() -> None:
    estimate = CostEstimate()
    for rows, seconds in ((1_000, 0.004), (2_000, 0.002), (500, 0.1)):
        estimate.observe(rows, seconds)
    assert estimate.seconds(3_000) == pytest.approx(0.003)
