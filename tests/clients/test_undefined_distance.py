"""A distance that is not a number gets no warning, neither from the server nor on the device."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from speech_emotion import Client
from speech_emotion.local.client import LocalClient

from server.app import create_app
from server.models.catalog import load_catalog
from server.settings import ModelSettings, ServerSettings, Settings
from tests.clients.test_web_client import application
from tests.support.models.shipped import VERSION_1, copy_features, shipped_recipe
from tests.support.models.tiny import write_undefined_distance, write_vector_network
from tests.support.sounds import noise
from tests.support.web.driver import WebModule

RATE = 22_050
UNDEFINED, DEFINED = "Undefined", "Defined"  # networks that are the same but for the distance


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with one network that warns of every clip, and one of undefined distances."""
    folder = tmp_path_factory.mktemp("models")
    copy_features(folder, VERSION_1)
    known: dict[str, Any] = {"recipe": shipped_recipe(), "distance_limit": 5.0}
    write_undefined_distance(folder, UNDEFINED, **known)
    write_vector_network(folder, DEFINED, **known)
    app = create_app(Settings(ServerSettings(), ModelSettings(folder)), load_catalog(folder))
    with application(app) as url:
        yield url


@pytest.mark.parametrize("kind", [Client, LocalClient])
def test_python_has_no_warning(kind: type[Client], address: str, tmp_path: Path) -> None:
    client = kind(address, tmp_path)
    assert client.predict(noise(1), DEFINED, RATE).warning is not None
    assert client.predict(noise(1), UNDEFINED, RATE).warning is None


@pytest.mark.parametrize("command", ["predict", "predictLocally"])
def test_typescript_has_no_warning(command: str, web: WebModule, address: str) -> None:
    web.call("connect", address=address)
    assert "warning" in web.call_with(noise(1), command, network=DEFINED)
    assert "warning" not in web.call_with(noise(1), command, network=UNDEFINED)
