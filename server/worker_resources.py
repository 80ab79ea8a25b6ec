"""What the applications of one worker share: a canary is a second application."""

import logging
from dataclasses import dataclass, replace
from typing import Self

from server.inference.batch_executor import BatchExecutor
from server.inference.memory import WorkerMemory
from server.inference.time_slice import EventLoopTimeSlice
from server.launch.capacity import affordable_batch_bytes, default_workers, worker_share
from server.launch.runtime_directory import Runtime
from server.metrics.definitions import STARTS, CanarySeries, SeriesSource
from server.metrics.store import MetricStore
from server.settings import ServerSettings

_log = logging.getLogger("server.worker_resources")


@dataclass(frozen=True)
class WorkerResources:
    """The metrics, the time and the memory of a worker.

    series: where an application counts; a canary has series of its own in the same store.
    memory_share: bytes of private memory; None: unlimited.
    """

    store: MetricStore
    series: SeriesSource
    time_slice: EventLoopTimeSlice
    executor: BatchExecutor
    memory_share: int | None

    @classmethod
    def acquire(cls, settings: ServerSettings, runtime: Runtime | None) -> Self:
        """Creates them, and counts the start of a worker."""
        store = _metric_store(runtime)
        STARTS.series(store)[0] += 1.0
        share = worker_share(settings.workers or default_workers()) if runtime else None
        executor = _executor(settings, share, store)
        return cls(store, store, EventLoopTimeSlice(), executor, share)

    def for_canary(self) -> Self:
        """The same, with the canary's series."""
        return replace(self, series=CanarySeries(self.store))


def _executor(settings: ServerSettings, share: int | None, store: MetricStore) -> BatchExecutor:
    """The threads for batches, within the worker's share of the memory; None: unlimited."""
    largest = settings.maximum_open_batch_bytes
    if share is not None:
        largest = min(largest, affordable_batch_bytes(share))
    return BatchExecutor(largest, WorkerMemory.counted(share, store))


def _metric_store(runtime: Runtime | None) -> MetricStore:
    """The store of this worker; without a runtime directory, or room in it, one in memory."""
    if runtime is None:
        return MetricStore.in_memory()
    try:
        return MetricStore.acquire(runtime.metrics)
    except OSError as error:
        _log.error("the metrics of this worker are not kept: %s", error)
        return MetricStore.in_memory()
