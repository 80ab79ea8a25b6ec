"""The metrics that workers record, with their labels and buckets."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Protocol

from server.metrics.store import Key, Values

PREFIX = "speech_emotion_"
RELEASE_LABEL = "release"
CANARY = "canary"  # a value of this label: the names of releases would be ever more series


class SeriesSource(Protocol):
    """Where metrics find their numbers."""

    def series(self, key: Key, width: int) -> Values:
        """The `width` numbers of a series."""
        ...


@dataclass(frozen=True)
class CanarySeries:
    """The series of a canary: they have one more label than those of the current release."""

    store: SeriesSource

    def series(self, key: Key, width: int) -> Values:
        """The `width` numbers of the canary's series."""
        return self.store.series(Key(key.family, (*key.labels, CANARY)), width)


@dataclass(frozen=True)
class Family:
    """A counter, or a histogram if it has `bounds`, the upper bounds of its buckets."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """Numbers in a series: one; or one for each bucket, including +Inf, and the sum."""
        return len(self.bounds) + 2 if self.bounds else 1

    def series(self, store: SeriesSource, *labels: str) -> Values:
        """The numbers of the series with these label values."""
        return store.series(Key(self.name, labels), self.width)

    def histogram(self, store: SeriesSource, *labels: str) -> "Histogram":
        """The histogram with these label values."""
        return Histogram(self.series(store, *labels), self.bounds)


class Histogram:
    """A histogram in mapped memory.

    PERF: an observation is two additions; prometheus_client takes ten times as long.
    """

    __slots__ = ("_bounds", "_last", "values")

    def __init__(self, values: Values, bounds: tuple[float, ...]) -> None:
        self.values = values
        self._bounds = bounds
        self._last = len(values) - 1

    def observe(self, value: float) -> None:
        """Counts one value."""
        self.values[bisect_left(self._bounds, value)] += 1.0
        self.values[self._last] += value


REQUESTS = Family(
    "request_duration_seconds",
    "Time from the header of a request to its answer in a worker, without Nginx",
    ("route", "method", "status"),
    (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
NETWORK_SECONDS = Family(
    "network_duration_seconds",
    "Time of one run of a network alone; a prediction that shared a run counts its share",
    ("network",),
    (0.00001, 0.00002, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0),
)
ROWS = Family(
    "batch_rows",
    "Utterances in a batch; single predictions are not counted",
    ("network",),
    (1.0, 2.0, 8.0, 32.0, 128.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0),
)
DISTANCE = Family(
    "input_distance_ratio",
    "Distance from the training distribution as a multiple of the network's limit, at most 10",
    ("network",),
    (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0, 4.0),
)
WARNINGS = Family("warnings", "Utterances whose answer has a warning", ("network", "code"))
MEMORY_REFUSALS = Family(
    "memory_refusals", "Large bodies that a worker refused because its share of memory was in use"
)
DEADLINES = Family(
    "deadlines_exceeded", "Requests that were refused or dropped because of the client's deadline"
)
STARTS = Family("worker_starts", "Started workers")

COUNTED = (REQUESTS, NETWORK_SECONDS, ROWS, DISTANCE, WARNINGS, MEMORY_REFUSALS, DEADLINES, STARTS)
