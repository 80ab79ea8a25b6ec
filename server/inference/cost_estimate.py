"""Estimates how long a batch takes from the batches before it."""

import math


class CostEstimate:
    """The time of a network in which every row costs the same."""

    def __init__(self) -> None:
        self._seconds_per_row = math.inf

    def seconds(self, rows: int) -> float:
        """The estimated time of a batch; infinite before the first one."""
        return rows * self._seconds_per_row

    def observe(self, rows: int, seconds: float) -> None:
        """Adds a measurement; the minimum counts, since interruptions only add time."""
        self._seconds_per_row = min(self._seconds_per_row, seconds / rows)
