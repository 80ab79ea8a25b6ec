"""The metrics of networks."""

import numpy as np
import pytest

from server.metrics.network_metrics import NetworkMetrics
from server.metrics.store import MetricStore


def test_a_batch_counts_like_its_rows_one_by_one() -> None:
    distances = np.random.default_rng(1).gamma(2, 1, 500).astype(np.float32)
    counts = []
    for batch in (True, False):
        store = MetricStore.in_memory()
        metrics = NetworkMetrics(store, "DNN", 2.0)
        if batch:
            metrics.record_batch(metrics.count(0.25, distances))
        else:
            for distance in distances:
                metrics.record(0.25, float(distance))
        counts.append(store.read())
    names = ("input_distance_ratio", "warnings")
    batched, single = ({k: v for k, v in c.items() if k.family in names} for c in counts)
    assert batched.keys() == single.keys()
    for key, values in batched.items():
        assert values == pytest.approx(single[key], rel=1e-6)
