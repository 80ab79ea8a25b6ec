"""Shares the event loop's time out between predictions and everything else."""

import asyncio
from collections import deque
from collections.abc import Awaitable
from time import perf_counter

SECONDS_OF_A_TURN = 0.01


class Turns:
    """Lets predictions take some milliseconds of each turn of the event loop; others wait in line.

    Between two turns the loop takes new connections (uvloop: one a turn) and answers health. With
    as many predictions in a turn as there are requests both would stand still under overload.
    """

    def __init__(self, seconds: float = SECONDS_OF_A_TURN) -> None:
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._began = 0.0  # 0: nothing was predicted in this turn
        self._share = 1  # predictions that fit in a turn

    def wait(self) -> Awaitable[None] | None:
        """What a request must await before it may predict; None where this turn has time left."""
        now = perf_counter()
        if not self._began:
            self._began, self._share = now, 0
            asyncio.get_running_loop().call_soon(self._end)
        if self._waiting or now - self._began > self._seconds:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            return place
        self._share += 1
        return None

    def _end(self) -> None:
        """Ends a turn, and gives the next one to those who have waited longest."""
        if not self._waiting:
            self._began = 0.0
            return
        now = perf_counter()
        began, self._began = self._began, now
        self._share = max(1, int(self._share * self._seconds / max(now - began, 1e-6)))
        for _ in range(min(self._share, len(self._waiting))):
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
        # After those who were just let in.
        asyncio.get_running_loop().call_soon(self._end)
