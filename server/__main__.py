"""`python -m server run`: the whole server in the foreground."""

import argparse
import sys
from collections.abc import Sequence

from configuration import SettingError
from server.settings import load_settings
from server.stack import StackError, find_nginx, run

NO_NGINX = (
    "Nginx is not installed: Gunicorn alone serves. "
    "To have it: sudo apt-get install nginx, then start again"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m server", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("run", help="start the server and stay in the foreground")
    command.add_argument("--without-nginx", action="store_true", help="let Gunicorn alone serve")
    options = parser.parse_args(arguments)

    nginx = None if options.without_nginx else find_nginx()
    if not nginx and not options.without_nginx:
        print(NO_NGINX, flush=True)
    try:
        return run(load_settings(), nginx)
    except (SettingError, StackError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
