"""`python -m server.healthcheck`: exits with status 0 if the server is ready.

The request goes through the public port, so that the check covers Nginx and a worker.
"""

import http.client
import ssl
import sys
from http import HTTPStatus

from server.settings import ServerSettings, load_settings

TIMEOUT_SECONDS = 60


def main() -> int:
    """Prints the status of /readyz; returns the exit status."""
    server = load_settings().server
    status = readiness(server)
    print(f"/readyz: {status or 'no answer'}")
    return 0 if status == HTTPStatus.OK else 1


def readiness(server: ServerSettings) -> int | None:
    """The status of GET /readyz; None without an answer, or if only Nginx answers."""
    connection = _connection(server)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return None if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT) else status


def _connection(server: ServerSettings) -> http.client.HTTPConnection:
    address = server.address.local
    if not server.tls:
        return http.client.HTTPConnection(address.host, address.port, timeout=TIMEOUT_SECONDS)
    # The certificate names the public host; this connection is local.
    context = ssl._create_unverified_context()  # noqa: S323, SLF001  # the standard library's own
    return http.client.HTTPSConnection(
        address.host, address.port, timeout=TIMEOUT_SECONDS, context=context
    )


if __name__ == "__main__":
    sys.exit(main())
