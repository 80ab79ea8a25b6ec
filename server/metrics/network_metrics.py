"""Counts the runs of networks. PERF: part of every prediction."""

from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server.metrics.definitions import DISTANCE, NETWORK_SECONDS, ROWS, WARNINGS, SeriesSource
from server.metrics.store import Values
from server.models.batch_predictors import NO_DISTANCES
from server.models.catalog import NetworkCatalog
from server.problems.messages import ANOTHER_VOICE, OUTSIDE_TRAINING

RATIO_BOUNDS = np.array(DISTANCE.bounds, np.float32)
NO_SERIES: Values = memoryview(bytearray(8)).cast("d")  # of a network without baselines
GREATEST_RATIO = 10.0  # of a distance to its limit: one absurd input must not dominate the mean


class BatchCounts(NamedTuple):
    """One run for a batch; distances are multiples of the network's limit."""

    seconds: float
    rows: int
    buckets: list[int]  # rows in each bucket of the distances, up to the last that has any
    total: float  # of the distances
    outside: int  # rows beyond the limit
    other_voices: int = 0  # the other rows that are beyond the limit of the baseline


class NetworkMetrics:
    """The metrics of one network.

    baseline_limit: of the distance from a baseline; infinite: the network takes no baseline.
    """

    def __init__(
        self,
        store: SeriesSource,
        network: str,
        distance_limit: float,
        baseline_limit: float = inf,
    ) -> None:
        self._seconds = NETWORK_SECONDS.histogram(store, network)
        self._rows = ROWS.histogram(store, network)
        self._ratios = DISTANCE.histogram(store, network)
        self._warnings = WARNINGS.series(store, network, OUTSIDE_TRAINING)
        self._limit = distance_limit
        self._baseline_limit = baseline_limit
        takes_baseline = baseline_limit < inf
        self._other_voices = (
            WARNINGS.series(store, network, ANOTHER_VOICE) if takes_baseline else NO_SERIES
        )

    def record(self, seconds: float, distance: float, baseline_distance: float = 0.0) -> None:
        """Records a prediction for one utterance; called on the event loop only."""
        self._seconds.observe(seconds)
        ratio = distance / self._limit
        if ratio > 1.0:
            self._warnings[0] += 1.0
            ratio = min(ratio, GREATEST_RATIO)
        elif baseline_distance > self._baseline_limit:
            self._other_voices[0] += 1.0
        self._ratios.observe(ratio)

    def count(
        self,
        seconds: float,
        distances: NDArray[np.float32],
        baseline_distances: NDArray[np.float32] = NO_DISTANCES,
    ) -> BatchCounts:
        """Counts a run with float32 (N,) distances for `record_batch`, on any thread."""
        ratios = np.minimum(distances / self._limit, GREATEST_RATIO)
        buckets = np.bincount(RATIO_BOUNDS.searchsorted(ratios)).tolist()
        is_outside = distances > self._limit
        outside = int(np.count_nonzero(is_outside))
        total = float(ratios.sum(dtype=np.float64))
        counts = BatchCounts(seconds, len(distances), buckets, total, outside)
        if not len(baseline_distances):
            return counts
        other_voices = np.count_nonzero((baseline_distances > self._baseline_limit) & ~is_outside)
        return counts._replace(other_voices=int(other_voices))

    def record_batch(self, counts: BatchCounts) -> None:
        """Records one run for a batch; called on the event loop only."""
        self._seconds.observe(counts.seconds)
        self._rows.observe(float(counts.rows))
        values = self._ratios.values
        for bucket, count in enumerate(counts.buckets):
            values[bucket] += count
        values[-1] += counts.total
        self._warnings[0] += counts.outside
        self._other_voices[0] += counts.other_voices


def network_metrics(store: SeriesSource, catalog: NetworkCatalog) -> dict[str, NetworkMetrics]:
    """The metrics of each network, by name."""
    return {
        network.name: NetworkMetrics(
            store, network.name, network.metadata.distance_limit, network.metadata.baseline_limit
        )
        for network in catalog.networks.values()
    }
