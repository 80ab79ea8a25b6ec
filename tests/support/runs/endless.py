"""A test that does not end: another test runs and stops it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Server, running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, "--without-nginx", SER_SERVER_WORKERS=1) as server:
        yield server


def test_without_end(server: Server) -> None:
    assert server.tree()
    print("\nstarted", flush=True)
    signal.pause()
