"""A loop that only calls ONNX Runtime: the limit for a server with the same network and core."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.contenders import Contender
from benchmarks.load import Load
from benchmarks.peers.network import Feed
from server.models.network import CORPORA_FORMAT, NETWORK_FORMAT, OPTIONAL_INPUTS_FORMAT
from server.models.onnx import open_model

FORMATS = (NETWORK_FORMAT, OPTIONAL_INPUTS_FORMAT, CORPORA_FORMAT)


def run_bare_loop(contender: Contender, core: int, seconds: float) -> tuple[Load, float]:
    """The load of a loop with the server's session options, and its CPU time in seconds."""
    session = open_model(contender.model.read_bytes(), *FORMATS).session
    feed = Feed(session)(contender.workload.mfccs().astype(np.float32))
    with _pinned_to(core):
        before = time.process_time()
        load = _loop(lambda: session.run(None, feed), seconds)
        return load, time.process_time() - before


def _loop(run: Callable[[], object], seconds: float) -> Load:
    run()  # the first call allocates
    times = [time.perf_counter()]
    while times[-1] - times[0] < seconds:
        run()
        times.append(time.perf_counter())
    p50, p99 = np.percentile(np.diff(times), [50, 99]) * 1_000
    return Load(len(times) - 1, times[-1] - times[0], {}, float(p50), float(p99))


@contextmanager
def _pinned_to(core: int) -> Iterator[None]:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
