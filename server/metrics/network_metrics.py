"""Counts the runs of networks. PERF: part of every prediction."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from server.metrics.definitions import DISTANCE, NETWORK_SECONDS, ROWS, WARNINGS
from server.metrics.store import MetricStore
from server.models.catalog import NetworkCatalog
from server.problems.messages import OUTSIDE_TRAINING

RATIO_BOUNDS = np.array(DISTANCE.bounds, np.float32)
GREATEST_RATIO = 10.0  # of a distance to its limit: one absurd input must not dominate the mean


class DistanceCounts(NamedTuple):
    """The distances of one batch, as multiples of the network's limit."""

    rows: int
    buckets: list[int]  # rows in each bucket of the histogram, up to the last that has any
    total: float
    outside: int  # rows beyond the limit


class NetworkMetrics:
    """The metrics of one network."""

    def __init__(self, store: MetricStore, network: str, distance_limit: float) -> None:
        self._seconds = NETWORK_SECONDS.histogram(store, network)
        self._rows = ROWS.histogram(store, network)
        self._ratios = DISTANCE.histogram(store, network)
        self._warnings = WARNINGS.series(store, network, OUTSIDE_TRAINING)
        self._limit = distance_limit

    def record(self, seconds: float, distance: float) -> None:
        """Records a prediction for one utterance; called on the event loop only."""
        self._seconds.observe(seconds)
        ratio = distance / self._limit
        if ratio > 1.0:
            self._warnings[0] += 1.0
            ratio = min(ratio, GREATEST_RATIO)
        self._ratios.observe(ratio)

    def count(self, distances: NDArray[np.float32]) -> DistanceCounts:
        """Counts float32 (N,) distances for `record_batch`; may be called from any thread."""
        ratios = np.minimum(distances / self._limit, GREATEST_RATIO)
        buckets = np.bincount(RATIO_BOUNDS.searchsorted(ratios)).tolist()
        outside = int(np.count_nonzero(distances > self._limit))
        return DistanceCounts(len(distances), buckets, float(ratios.sum(dtype=np.float64)), outside)

    def record_batch(self, seconds: float, distances: DistanceCounts) -> None:
        """Records one run for a batch; called on the event loop only."""
        self._seconds.observe(seconds)
        self._rows.observe(float(distances.rows))
        values = self._ratios.values
        for bucket, count in enumerate(distances.buckets):
            values[bucket] += count
        values[-1] += distances.total
        self._warnings[0] += distances.outside


def network_metrics(store: MetricStore, catalog: NetworkCatalog) -> dict[str, NetworkMetrics]:
    """The metrics of each network, by name."""
    return {
        network.name: NetworkMetrics(store, network.name, network.metadata.distance_limit)
        for network in catalog.networks.values()
    }
