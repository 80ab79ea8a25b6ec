from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.harness import Server
from tests.web.conftest import OpenPage
from tests.web.visits import visiting


@pytest.fixture
def visit(built_page: None, server_with_frames: Server, browser: Browser) -> Iterator[OpenPage]:
    """Opens the page of a server that offers its networks' files."""
    with visiting(browser, str(server_with_frames.client.base_url)) as open_page:
        yield open_page
