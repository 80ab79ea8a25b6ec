from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import Server, running


@pytest.fixture(scope="session")
def stack(nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The whole stack, shared by the tests that leave it as it was."""
    with running(tmp_path_factory.mktemp("run")) as server:
        yield server


@pytest.fixture(scope="session")
def gunicorn_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Gunicorn without Nginx, shared by the tests that leave it as it was."""
    with running(tmp_path_factory.mktemp("run"), "--without-nginx") as server:
        yield server


@pytest.fixture(scope="session", params=["stack", "gunicorn_alone"])
def server(request: pytest.FixtureRequest) -> Server:
    """Either of the two."""
    chosen: Server = request.getfixturevalue(request.param)
    return chosen
