"""The readiness of a server, as its clients see it."""

import http.client
import ssl
from http import HTTPStatus

from server.launch.address import Address

TIMEOUT_SECONDS = 60


def readiness(address: Address, tls: bool = False) -> int | None:
    """The status of GET /readyz; None without an answer, or if only Nginx answers."""
    connection = _connection(address, tls)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return None if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT) else status


def _connection(address: Address, tls: bool) -> http.client.HTTPConnection:
    host, port = address.host, address.port
    if not tls:
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    # The certificate names the public host; this connection is local.
    context = ssl._create_unverified_context()  # noqa: S323, SLF001  # the standard library's own
    return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=context)
