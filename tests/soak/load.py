"""Ordinary load for a while, and what it was like."""

import asyncio
import time
from collections.abc import Sequence
from random import Random

import numpy as np

from tests.soak.clients import Client, Tally, Target
from tests.soak.faults import FIRST
from tests.soak.questions import Question

LIVE = frozenset([FIRST])


async def ask_for(
    seconds: float, port: int, questions: Sequence[Question], clients: int, rate: float = 0.0
) -> tuple[Tally, float]:
    """Keep-alive clients for that time; returns the tally and the answers in each second.

    rate: requests a second of all clients together; by default as many as they get answered.
    """
    tally, random = Tally(), Random(1)
    target = Target(port, lambda: LIVE)
    interval = clients / rate if rate else 0.0
    asking = [
        Client(
            f"keep-alive {i}", target, questions, tally, random.randrange(2**32), interval=interval
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


def percentile(tally: Tally, share: float) -> float:
    """Of the seconds to an answer."""
    return float(np.percentile(tally.latencies, share)) if tally.latencies else float("nan")
