"""What the applications of one worker share: a canary is a second application."""

from dataclasses import dataclass, replace
from typing import Self

from server.inference.batch_executor import BatchExecutor
from server.inference.time_slice import EventLoopTimeSlice
from server.launch.runtime_directory import Runtime
from server.metrics.definitions import STARTS, CanarySeries, SeriesSource
from server.metrics.store import MetricStore
from server.settings import ServerSettings


@dataclass(frozen=True)
class WorkerResources:
    """The metrics, the time and the memory of a worker.

    series: where an application counts; a canary has series of its own in the same store.
    """

    store: MetricStore
    series: SeriesSource
    time_slice: EventLoopTimeSlice
    executor: BatchExecutor

    @classmethod
    def acquire(cls, settings: ServerSettings, runtime: Runtime | None) -> Self:
        """Creates them, and counts the start of a worker."""
        store = MetricStore.acquire(runtime.metrics) if runtime else MetricStore.in_memory()
        STARTS.series(store)[0] += 1.0
        executor = BatchExecutor(settings.maximum_open_batch_bytes)
        return cls(store, store, EventLoopTimeSlice(), executor)

    def for_canary(self) -> Self:
        """The same, with the canary's series."""
        return replace(self, series=CanarySeries(self.store))
