"""`python -m server.healthcheck`: exits with status 0 if the server is ready.

The request goes through the public port, so that the check covers Nginx and a worker.
"""

import http
import sys

from server.launch.address import Address
from server.launch.readiness import readiness
from server.settings import load_settings


def main() -> int:
    """Prints the status of /readyz; returns the exit status."""
    server = load_settings().server
    status = readiness(Address(server.host, server.port).local, server.tls)
    print(f"/readyz: {status or 'no answer'}")
    return 0 if status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
