"""The queue of large batches: beside the event loop, at a lower priority, bounded."""

import asyncio
import os
import threading

import pytest

from server.open_inference.queue import NICENESS, BatchQueue
from server.problems import Problem


def test_work_runs_on_one_thread_that_gives_way() -> None:
    def work() -> tuple[int, int]:
        return threading.get_ident(), os.getpriority(os.PRIO_PROCESS, 0)

    async def twice(queue: BatchQueue) -> list[tuple[int, int]]:
        return [await queue.run(work), await queue.run(work)]

    (first, niceness), second = asyncio.run(twice(BatchQueue(1)))
    assert second == (first, niceness)
    assert first != threading.get_ident()
    assert niceness >= NICENESS
    assert niceness > os.getpriority(os.PRIO_PROCESS, 0) or niceness == 19


def test_the_event_loop_goes_on_meanwhile() -> None:
    async def both(queue: BatchQueue) -> bool:
        goes_on = threading.Event()
        asyncio.get_running_loop().call_soon(goes_on.set)
        return await queue.run(lambda: goes_on.wait(timeout=60))

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
