"""How long batches take, told from those before."""

import math


class Pace:
    """Of one network whose every row takes as long as any other."""

    def __init__(self) -> None:
        self._seconds_a_row = math.inf

    def seconds(self, rows: int) -> float:
        """What so many rows take at best; infinite before the first batch."""
        return rows * self._seconds_a_row

    def observe(self, rows: int, seconds: float) -> None:
        """Rows have taken so long: the least counts, since whoever was interrupted took longer."""
        self._seconds_a_row = min(self._seconds_a_row, seconds / rows)
