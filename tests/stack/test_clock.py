"""The wall clock jumps: requests are answered as before."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from tests.stack.test_limits import QUEUE, predict, stopped_workers
from tests.support.harness import DEADLINE, Server, running, wait_until
from tests.support.machine.clock import WallClock

HOUR = 3_600  # seconds


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> WallClock:
    return WallClock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def server(
    nginx: Path, clock: WallClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    settings = {"SER_SERVER_MAXIMUM_OPEN_REQUESTS": QUEUE} | clock.variables
    with running(tmp_path_factory.mktemp("run"), **settings) as server:
        yield server


def ask(server: Server, count: int, statuses: list[int]) -> None:
    """Sends predictions at once, on connections that all Nginx processes accept."""

    url = server.client.base_url
    with httpx.Client(base_url=url, timeout=DEADLINE) as client, ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: statuses.append(predict(client).status_code), range(count)))


def all_answered(server: Server) -> bool:
    statuses: list[int] = []
    ask(server, QUEUE // 2, statuses)
    return set(statuses) == {200}


def hours_ahead(server: Server) -> int:
    """The time in an answer's header, compared with the true time."""
    date = parsedate_to_datetime(server.client.get("/livez").headers["date"])
    return round((date - datetime.now(UTC)).total_seconds() / HOUR)


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_overload_ends_although_the_clock_jumps(
    server: Server, clock: WallClock, hours: int
) -> None:
    statuses: list[int] = []
    with ThreadPoolExecutor(1) as background, stopped_workers(server):
        background.submit(ask, server, 3 * QUEUE, statuses)
        wait_until(lambda: statuses.count(503) == 2 * QUEUE, "the refusals")
        clock.shift(hours * HOUR)
    try:
        wait_until(lambda: hours_ahead(server) == hours, "the new time")
        wait_until(lambda: all_answered(server), "the end of the overload")
    finally:
        clock.shift(0)
    assert statuses.count(200) == QUEUE
