from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Server, running


@pytest.fixture(scope="session")
def server(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with default settings, shared by the tests that leave it unchanged."""
    with running(tmp_path_factory.mktemp("run")) as server:
        yield server


@pytest.fixture(scope="session")
def gunicorn_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without Nginx, shared by the tests that leave it unchanged."""
    with running(tmp_path_factory.mktemp("run"), "--without-nginx") as server:
        yield server
