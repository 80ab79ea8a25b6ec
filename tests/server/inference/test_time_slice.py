"""Predictions leave time on the event loop for everything else."""

import asyncio
import time

from server.inference.time_slice import EventLoopTimeSlice

REQUESTS = 20
PREDICTION_SECONDS = 0.002


async def predict(time_slice: EventLoopTimeSlice, order: list[object], name: object) -> None:
    if (turn := time_slice.wait()) is not None:
        await turn
    time.sleep(PREDICTION_SECONDS)  # noqa: ASYNC251  # blocks the loop, as a prediction does
    order.append(name)


async def crowd() -> list[object]:
    time_slice, order = EventLoopTimeSlice(seconds=0.005), list[object]()
    requests = [asyncio.create_task(predict(time_slice, order, i)) for i in range(REQUESTS)]
    asyncio.get_running_loop().call_soon(lambda: order.append("health"))
    await asyncio.gather(*requests)
    await predict(time_slice, order, "later")
    return order


def test_health_does_not_wait_for_all_earlier_predictions() -> None:
    assert asyncio.run(crowd()).index("health") <= REQUESTS // 2


def test_predictions_run_in_order_of_arrival() -> None:
    order = [name for name in asyncio.run(crowd()) if name != "health"]
    assert order == [*range(REQUESTS), "later"]


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
