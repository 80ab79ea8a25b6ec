import os
import signal
import time
from collections.abc import Iterator

import pytest

from server.launch.supervisor import WakingPoller

LONG = 60.0  # seconds


@pytest.fixture
def poller() -> Iterator[WakingPoller]:
    """A poller in a process that handles SIGUSR1."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    yield WakingPoller(None)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGUSR1, before)


def test_it_does_not_wait_at_first_and_twice_after_a_signal(poller: WakingPoller) -> None:
    start = time.monotonic()
    assert poller.poll(LONG) == ([], [])
    os.kill(os.getpid(), signal.SIGUSR1)
    for _ in range(2):
        assert poller.poll(LONG) == ([], [])
    assert time.monotonic() - start < LONG / 2


def test_it_waits_otherwise(poller: WakingPoller) -> None:
    poller.poll(LONG)
    start = time.monotonic()
    assert poller.poll(0.2) == ([], [])
    assert time.monotonic() - start > 0.1


def test_it_names_the_files_that_can_be_read(poller: WakingPoller) -> None:
    poller.poll(LONG)
    read, written = os.pipe()
    poller.register_readable(read)
    os.write(written, b"x")
    os.kill(os.getpid(), signal.SIGUSR1)
    assert poller.poll(LONG) == ([read], [])
    os.close(read)
    os.close(written)
