"""The rendered configuration of Nginx."""

from pathlib import Path

import pytest

from server.launch.nginx.configuration import render
from server.launch.runtime_directory import Runtime
from server.settings import ServerSettings


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((1, 22, 1), ["listen 0.0.0.0:8080 ssl http2;"]),
        ((1, 25, 1), ["listen 0.0.0.0:8080 ssl;", "http2 on;"]),
    ],
)
def test_http_2_is_enabled_as_the_version_expects(
    version: tuple[int, ...], expected: list[str]
) -> None:
    server = ServerSettings(tls_certificate_path=Path("/c"), tls_key_path=Path("/k"))
    text = render(server, Runtime(Path("/runtime")), (), version)
    assert [line.strip() for line in text.splitlines() if line.strip() in expected] == expected
    assert ("http2 on;" in text) == (len(expected) > 1)
