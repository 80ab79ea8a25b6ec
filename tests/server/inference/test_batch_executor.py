"""The threads for large batches: beside the event loop, at a lower priority, in bounded memory."""

import asyncio
import os
import threading

import pytest

from server.inference.batch_executor import NICENESS, BatchExecutor
from server.problems.documents import Problem


def test_networks_run_on_one_thread_that_every_other_thread_preempts() -> None:
    def work() -> tuple[int, int]:
        return threading.get_ident(), os.sched_getscheduler(0)

    async def twice(executor: BatchExecutor) -> list[tuple[int, int]]:
        return [await executor.run_network(work), await executor.run_network(work)]

    (first, policy), second = asyncio.run(twice(BatchExecutor(1)))
    assert second == (first, policy)
    assert first != threading.get_ident()
    assert policy == os.SCHED_IDLE
    assert os.sched_getscheduler(0) != os.SCHED_IDLE


def test_codecs_run_on_a_thread_of_lower_priority() -> None:
    def work() -> tuple[int, int]:
        return threading.get_ident(), os.getpriority(os.PRIO_PROCESS, 0)

    thread, niceness = asyncio.run(BatchExecutor(1).run_codec(work))
    assert thread != threading.get_ident()
    assert niceness >= NICENESS
    assert niceness > os.getpriority(os.PRIO_PROCESS, 0) or niceness == 19


@pytest.mark.parametrize("name", ["run_network", "run_codec"])
def test_the_event_loop_goes_on_meanwhile(name: str) -> None:
    async def both(executor: BatchExecutor) -> bool:
        goes_on = threading.Event()
        asyncio.get_running_loop().call_soon(goes_on.set)
        return bool(await getattr(executor, name)(lambda: goes_on.wait(timeout=60)))

    assert asyncio.run(both(BatchExecutor(1)))


def test_bodies_within_the_limit_are_admitted() -> None:
    executor = BatchExecutor(100)
    with (
        executor.reserve(60),
        executor.reserve(40),
        pytest.raises(Problem) as refusal,
        executor.reserve(1),
    ):
        pass
    assert refusal.value.status_code == 503
    with executor.reserve(100):
        pass


def test_a_body_above_the_limit_is_admitted_alone() -> None:
    executor = BatchExecutor(100)
    with executor.reserve(101), pytest.raises(Problem), executor.reserve(1):
        pass


def test_a_failure_releases_the_reservation() -> None:
    executor = BatchExecutor(100)
    with pytest.raises(ZeroDivisionError), executor.reserve(100):
        raise ZeroDivisionError
    with executor.reserve(100):
        pass
