"""Predictions leave the event loop time for everything else."""

import asyncio
import time

from server.inference.time_slice import Turns

REQUESTS = 20
SECONDS_OF_A_PREDICTION = 0.002


async def predict(turns: Turns, order: list[object], name: object) -> None:
    if (turn := turns.wait()) is not None:
        await turn
    time.sleep(SECONDS_OF_A_PREDICTION)  # noqa: ASYNC251  # as a prediction does
    order.append(name)


async def crowd() -> list[object]:
    turns, order = Turns(seconds=0.005), list[object]()
    requests = [asyncio.create_task(predict(turns, order, i)) for i in range(REQUESTS)]
    asyncio.get_running_loop().call_soon(lambda: order.append("health"))
    await asyncio.gather(*requests)
    await predict(turns, order, "later")
    return order


def test_health_does_not_wait_for_all_predictions_before_it() -> None:
    assert asyncio.run(crowd()).index("health") <= REQUESTS // 2


def test_who_waits_longest_comes_next() -> None:
    order = [name for name in asyncio.run(crowd()) if name != "health"]
    assert order == [*range(REQUESTS), "later"]


def test_a_request_by_itself_does_not_wait() -> None:
    async def one() -> object:
        return Turns().wait()

    assert asyncio.run(one()) is None
