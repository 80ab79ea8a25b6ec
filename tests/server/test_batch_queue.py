"""The queue of large batches: beside the event loop, at a lower priority, bounded."""

import asyncio
import os
import threading

import pytest

from server.inference.batch_executor import NICENESS, BatchQueue
from server.problems import Problem


def test_networks_run_on_one_thread_that_everything_else_interrupts() -> None:
    def work() -> tuple[int, int]:
        return threading.get_ident(), os.sched_getscheduler(0)

    async def twice(queue: BatchQueue) -> list[tuple[int, int]]:
        return [await queue.compute(work), await queue.compute(work)]

    (first, policy), second = asyncio.run(twice(BatchQueue(1)))
    assert second == (first, policy)
    assert first != threading.get_ident()
    assert policy == os.SCHED_IDLE
    assert os.sched_getscheduler(0) != os.SCHED_IDLE


def test_long_json_is_read_on_a_thread_of_lower_priority() -> None:
    def work() -> tuple[int, int]:
        return threading.get_ident(), os.getpriority(os.PRIO_PROCESS, 0)

    thread, niceness = asyncio.run(BatchQueue(1).parse(work))
    assert thread != threading.get_ident()
    assert niceness >= NICENESS
    assert niceness > os.getpriority(os.PRIO_PROCESS, 0) or niceness == 19


@pytest.mark.parametrize("name", ["compute", "parse"])
def test_the_event_loop_goes_on_meanwhile(name: str) -> None:
    async def both(queue: BatchQueue) -> bool:
        goes_on = threading.Event()
        asyncio.get_running_loop().call_soon(goes_on.set)
        return bool(await getattr(queue, name)(lambda: goes_on.wait(timeout=60)))

    assert asyncio.run(both(BatchQueue(1)))


def test_bodies_that_fit_together_have_a_place() -> None:
    queue = BatchQueue(100)
    with queue.place(60), queue.place(40), pytest.raises(Problem) as refusal, queue.place(1):
        pass
    assert refusal.value.status_code == 503
    with queue.place(100):
        pass


def test_a_body_above_the_limit_may_come_alone() -> None:
    queue = BatchQueue(100)
    with queue.place(101), pytest.raises(Problem), queue.place(1):
        pass


def test_a_failure_gives_its_place_back() -> None:
    queue = BatchQueue(100)
    with pytest.raises(ZeroDivisionError), queue.place(100):
        raise ZeroDivisionError
    with queue.place(100):
        pass
