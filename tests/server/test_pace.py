"""What a batch will take, told from those before."""

import math

import pytest

from server.inference.cost_estimate import Pace


def test_nothing_is_known_before_the_first_batch() -> None:
    assert Pace().seconds(1) == math.inf


def test_a_batch_takes_as_long_for_a_row_as_the_quickest_before() -> None:
    pace = Pace()
    for rows, seconds in ((1_000, 0.004), (2_000, 0.002), (500, 0.1)):
        pace.observe(rows, seconds)
    assert pace.seconds(3_000) == pytest.approx(0.003)
