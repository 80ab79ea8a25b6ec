"""The metrics of networks."""

import numpy as np
import pytest

from server.metrics.network_metrics import NetworkMetrics
from server.metrics.store import MetricStore


def test_a_batch_counts_like_its_rows_one_by_one() -> None:
    distances, baselines = np.random.default_rng(1).gamma(2, 1, (2, 500)).astype(np.float32)
    counts = []
    for batch in (True, False):
        store = MetricStore.in_memory()
        metrics = NetworkMetrics(store, "DNN", 2.0, 1.5)
        if batch:
            metrics.record_batch(metrics.count(0.25, distances, baselines))
        else:
            for distance, baseline in zip(distances, baselines, strict=True):
                metrics.record(0.25, float(distance), float(baseline))
        counts.append(store.read())
    names = ("input_distance_ratio", "warnings")
    batched, single = ({k: v for k, v in c.items() if k.family in names} for c in counts)
    assert batched.keys() == single.keys()
    warnings = {key.labels: values for key, values in batched.items() if key.family == "warnings"}
    other_voices = np.count_nonzero((baselines > 1.5) & (distances <= 2.0))
    assert warnings["DNN", "baseline-of-another-voice"][0] == other_voices > 0
    for key, values in batched.items():
        assert values == pytest.approx(single[key], rel=1e-6)
