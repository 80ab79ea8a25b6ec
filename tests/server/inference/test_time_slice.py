"""Predictions leave time on the event loop for everything else."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from server.inference.time_slice import EventLoopTimeSlice

REQUESTS = 20
PREDICTION_SECONDS = 0.002
LONG = 60.0  # seconds, so that no pause of the machine ends a slice
Predict = Callable[[EventLoopTimeSlice, list[object], object], Coroutine[Any, Any, None]]


async def predict(time_slice: EventLoopTimeSlice, order: list[object], name: object) -> None:
    if (turn := time_slice.wait()) is not None:
        await turn
    time.sleep(PREDICTION_SECONDS)  # noqa: ASYNC251  # blocks the loop, as a prediction does
    order.append(name)


async def predict_last(time_slice: EventLoopTimeSlice, order: list[object], name: object) -> None:
    if (turn := time_slice.wait()) is not None:
        await turn
    done = asyncio.get_running_loop().create_future()
    time_slice.reserve(PREDICTION_SECONDS)

    def run() -> None:
        time.sleep(PREDICTION_SECONDS)
        done.set_result(None)

    time_slice.run_last(run)
    await done
    order.append(name)


async def crowd(predict: Predict = predict) -> list[object]:
    time_slice, order = EventLoopTimeSlice(seconds=0.005), list[object]()
    requests = [asyncio.create_task(predict(time_slice, order, i)) for i in range(REQUESTS)]
    asyncio.get_running_loop().call_soon(lambda: order.append("health"))
    await asyncio.gather(*requests)
    await predict(time_slice, order, "later")
    return order


def test_health_does_not_wait_for_all_earlier_predictions() -> None:
    assert asyncio.run(crowd()).index("health") <= REQUESTS // 2


@pytest.mark.parametrize("run", [predict, predict_last])
def test_predictions_run_in_order_of_arrival(run: Predict) -> None:
    order = [name for name in asyncio.run(crowd(run)) if name != "health"]
    assert order == [*range(REQUESTS), "later"]


def test_a_slice_admits_what_fits_into_its_reserved_time() -> None:
    async def one_slice() -> list[object]:
        time_slice, order = EventLoopTimeSlice(seconds=LONG), list[object]()
        for name in range(REQUESTS):
            if time_slice.wait() is None:
                time_slice.reserve(0.4 * LONG)
                time_slice.run_last(partial(order.append, name))
        await asyncio.sleep(0)
        return order

    assert asyncio.run(one_slice()) == [0, 1, 2]


def test_the_last_runs_of_a_slice_follow_every_prediction_in_it() -> None:
    async def one_slice() -> list[object]:
        time_slice, order = EventLoopTimeSlice(seconds=LONG), list[object]()
        tasks = [asyncio.create_task(predict(time_slice, order, i)) for i in range(2)]
        time_slice.run_last(partial(order.append, "last"))
        await asyncio.gather(*tasks)
        await asyncio.sleep(0)
        return order

    assert asyncio.run(one_slice()) == [0, 1, "last"]


def test_the_crowd_is_the_larger_of_two_slices() -> None:
    async def crowds() -> list[int]:
        time_slice, found = EventLoopTimeSlice(seconds=LONG), []
        for predictions in (3, 1, 1):
            for _ in range(predictions):
                assert time_slice.wait() is None
            found.append(time_slice.crowd)
            await asyncio.sleep(0)
        return found

    assert asyncio.run(crowds()) == [3, 3, 1]


def test_the_expected_wait_grows_with_the_queue() -> None:
    async def queue() -> list[float]:
        time_slice = EventLoopTimeSlice(seconds=0.005)
        expected = [time_slice.expected_seconds()]
        requests = [asyncio.create_task(predict(time_slice, [], i)) for i in range(REQUESTS)]
        await asyncio.sleep(0)
        expected.append(time_slice.expected_seconds())
        await asyncio.gather(*requests)
        return expected

    empty, full = asyncio.run(queue())
    assert empty == 0
    assert full >= REQUESTS * PREDICTION_SECONDS / 2


def test_a_single_request_does_not_wait() -> None:
    async def one() -> object:
        return EventLoopTimeSlice().wait()

    assert asyncio.run(one()) is None


def test_a_last_run_that_fails_stalls_nobody() -> None:
    """Its error reaches the event loop; the next slice admits as before."""

    async def run() -> tuple[list[object], list[str]]:
        time_slice, order, errors = EventLoopTimeSlice(0.0), list[object](), list[str]()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(str(context["exception"])))

        def fail() -> None:
            raise RuntimeError("a last run")

        waiting = [predict(time_slice, order, name) for name in range(5)]
        time_slice.run_last(fail)
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        return order, errors

    order, errors = asyncio.run(run())
    assert sorted(map(str, order)) == [str(name) for name in range(5)]
    assert errors == ["a last run"]
