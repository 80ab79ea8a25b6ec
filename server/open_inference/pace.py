"""How long batches take, told from those before."""

import math


class Pace:
    """Of one network whose every row takes as long as any other, and as many bytes."""

    def __init__(self) -> None:
        self._seconds_a_byte = math.inf

    def seconds(self, size: int) -> float:
        """What a body of that many bytes takes at best; infinite before the first one."""
        return size * self._seconds_a_byte

    def observe(self, size: int, seconds: float) -> None:
        """A body has taken so long: the least counts, since whoever was interrupted took longer."""
        self._seconds_a_byte = min(self._seconds_a_byte, seconds / size)
