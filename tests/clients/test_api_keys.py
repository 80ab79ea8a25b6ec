"""The clients send the API key to the server that it is for, and show it nowhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from speech_emotion import Client
from speech_emotion.errors import InvalidKeyError, SpeechEmotionError

from tests.support.hostile.server import HostileServer, response
from tests.support.web.driver import WebError, WebModule

KEY = "4f6b-not-secret-87d1"
INVALID = ["", "two words", "line\nbreak", "schl\u00fcssel"]


@pytest.fixture
def elsewhere() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def redirecting(elsewhere: HostileServer) -> Iterator[HostileServer]:
    """Redirects the handshake to another origin."""
    with HostileServer() as server:
        location = f"{elsewhere.url}/init/configuration"
        answer = response(b"", status="307 Temporary Redirect", Location=location)
        server.replies["/init/configuration"] = lambda: iter([answer])
        yield server


def test_the_python_client_follows_no_redirect_with_the_key(
    redirecting: HostileServer, elsewhere: HostileServer, tmp_path: Path
) -> None:
    with pytest.raises(SpeechEmotionError) as caught:
        Client(redirecting.url, cache=tmp_path, api_key=KEY).contract  # noqa: B018
    assert redirecting.paths == ["/init/configuration"]
    assert elsewhere.paths == []
    assert KEY not in str(caught.value)


def test_the_typescript_module_follows_no_redirect_with_the_key(
    web: WebModule, redirecting: HostileServer, elsewhere: HostileServer
) -> None:
    with pytest.raises(WebError) as caught:
        web.call("connect", address=redirecting.url, options={"apiKey": KEY})
    assert redirecting.paths == ["/init/configuration"]
    assert elsewhere.paths == []
    assert KEY not in str(caught.value.members)


@pytest.mark.parametrize("key", INVALID)
def test_an_invalid_key_is_not_shown(web: WebModule, key: str) -> None:
    with pytest.raises(InvalidKeyError, match=f"of {len(key)} characters") as python:
        Client(api_key=key)
    assert not key or key not in str(python.value)
    options: dict[str, Any] = {"apiKey": key}
    with pytest.raises(WebError, match=f"of {len(key)} characters") as module:
        web.call("connect", address="http://localhost", options=options)
    assert module.value.name == "InvalidOptionError"
    assert not key or key not in module.value.members["message"]
