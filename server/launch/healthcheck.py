"""`python -m server.launch.healthcheck`: exits with 0 where the server is ready.

It asks through the public port, so that the whole way of a request is part of the answer.
"""

import http
import sys

from server.launch.address import Address
from server.launch.process_tree import readiness
from server.settings import load_settings


def main() -> int:
    """Returns the exit status, and says in one line what /readyz answered."""
    server = load_settings().server
    status = readiness(Address(server.host, server.port).local, server.tls)
    print(f"/readyz: {status or 'no answer'}")
    return 0 if status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
