from collections.abc import Iterator

import pytest

from tests.support.web.driver import WebModule, run_web_module


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebModule]:
    """The web module in a Node process, shared by the tests of a file."""
    with run_web_module(tmp_path_factory.mktemp("web")) as module:
        yield module
