"""Runs an ordinary load and measures it."""

import asyncio
import time
from collections.abc import Sequence
from random import Random

import numpy as np

from tests.soak.clients import Client, Tally, Target
from tests.soak.faults import FIRST
from tests.soak.queries import Query

LIVE = frozenset([FIRST])


async def run_load(
    seconds: float, port: int, queries: Sequence[Query], clients: int, rate: float = 0.0
) -> tuple[Tally, float]:
    """Runs keep-alive clients; returns the tally and the answers per second.

    rate: requests per second of all clients together; by default without pause.
    """
    tally, random = Tally(), Random(1)
    target = Target(port, lambda: LIVE)
    interval = clients / rate if rate else 0.0
    asking = [
        Client(
            f"keep-alive {i}", target, queries, tally, random.randrange(2**32), interval=interval
        )
        for i in range(clients)
    ]
    start = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for client in asking:
            tasks.create_task(client.run())
        await asyncio.sleep(seconds)
        for client in asking:
            client.stop()
    return tally, tally.answers / (time.monotonic() - start)


def percentile(values: Sequence[float], share: float) -> float:
    """A percentile; NaN for no values."""
    return float(np.percentile(values, share)) if values else float("nan")
