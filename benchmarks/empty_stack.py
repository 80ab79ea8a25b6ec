"""The server with an empty handler as its application.

Usage: python -m benchmarks.empty_stack [--without-nginx]
"""

import sys

from server.launch.launcher import find_nginx, run
from server.settings import load_settings

APPLICATION = "benchmarks.empty_app:app"


def main() -> int:
    nginx = None if "--without-nginx" in sys.argv[1:] else find_nginx()
    return run(load_settings(), nginx, APPLICATION)


if __name__ == "__main__":
    sys.exit(main())
