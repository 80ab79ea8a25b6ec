"""A deadline that the client sets for its request."""

import math
import re
from time import perf_counter
from typing import NamedTuple

from server.problems import messages
from server.problems.documents import Problem, shortened

HEADER = "X-Request-Timeout"
LONGEST_SECONDS = 86_400
SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,9})?")


class Deadline(NamedTuple):
    """The time until which the client waits."""

    at: float  # of `perf_counter`
    timeout: float  # seconds from the receipt of the header

    def check(self, needed: float = 0.0) -> None:
        """Refuses work that cannot be done in time.

        needed: the estimated seconds until the work is done; infinite: unknown.

        Raises:
            Problem: 503.
        """
        if perf_counter() + (needed if math.isfinite(needed) else 0.0) > self.at:
            raise Problem(messages.DEADLINE_EXCEEDED, timeout=self.timeout)


def parse_deadline(text: str, received: float) -> Deadline:
    """The deadline in the header of a request that was received at a time of `perf_counter`.

    Raises:
        Problem: 400, the text is no number of seconds in the range.
    """
    seconds = float(text) if SECONDS.fullmatch(text) else 0.0
    if not 0 < seconds <= LONGEST_SECONDS:
        raise Problem(
            messages.INVALID_TIMEOUT, name=HEADER, found=shortened(text), longest=LONGEST_SECONDS
        )
    return Deadline(received + seconds, seconds)


def earlier(deadline: Deadline | None, received: float, timeout: float) -> Deadline | None:
    """The earlier of a deadline and the end of a timeout in seconds; 0: no timeout."""
    if not timeout:
        return deadline
    other = Deadline(received + timeout, timeout)
    return min(deadline, other) if deadline else other
