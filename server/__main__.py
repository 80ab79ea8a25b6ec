"""`ser`: runs the server and manages the models of a running one."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from configuration import SettingError
from server import NAME, VERSION
from server.interruption import stop_signals_as_errors
from server.launch.launcher import LaunchError, find_nginx, run
from server.launch.running_server import find_running, reload_workers
from server.launch.runtime_directory import RuntimeDirectoryError
from server.models.activation import WHOLE, activate, check, roll_back
from server.models.releases import RefusedModelsError, ReleaseError, ReleaseStore
from server.settings import load_settings
from server.status import status_lines

SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
HUNDRED = 100.0

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status: 1 if models are refused, 2 after an error."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except RefusedModelsError as error:
        print(f"Refused:\n{error}", file=sys.stderr)
        return 1
    except (SettingError, LaunchError, RuntimeDirectoryError, ReleaseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ser", description=__doc__)
    parser.add_argument("--version", action="version", version=f"{NAME} {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="run the server in the foreground")
    help_text = "serve the API alone, to try it out"
    command.add_argument("--without-nginx", action="store_true", help=help_text)
    command.set_defaults(command=_run)
    models = commands.add_parser("models", help="verify models, or change those of a server")
    actions = models.add_subparsers(required=True, metavar="ACTION")
    for name, action, help_text in (
        ("check", _check, "verify a models directory and list all of its faults"),
        ("activate", _activate, "verify a models directory and serve it without interruption"),
    ):
        command = actions.add_parser(name, help=help_text)
        command.add_argument("directory", type=Path, metavar="DIR", help="a models directory")
        command.set_defaults(command=action)
    command.add_argument(
        "--share",
        type=_share,
        default=WHOLE,
        metavar="PERCENT",
        help="of the predictions, such as 5%%; less than 100%% makes the models a canary",
    )
    command = actions.add_parser(
        "rollback", help="end the canary, or return to the previous models"
    )
    command.set_defaults(command=_roll_back)
    command = actions.add_parser("status", help="print what the server serves")
    command.set_defaults(command=_print_status)
    return parser


def _share(text: str) -> float:
    match = SHARE.fullmatch(text)
    if not match or not 0 < float(match[1]) <= HUNDRED:
        expected = "a percentage above 0% and up to 100%, such as 5%"
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
    return float(match[1]) / HUNDRED


def _run(options: argparse.Namespace) -> int:
    return run(load_settings(), None if options.without_nginx else find_nginx())


def _check(options: argparse.Namespace) -> int:
    names = check(options.directory, load_settings().models)
    print(f"Good: {', '.join(names)}")
    return 0


def _activate(options: argparse.Namespace) -> int:
    settings = load_settings()
    runtime = find_running(settings.server.runtime_directory)
    store, reload = ReleaseStore(runtime.state), partial(reload_workers, runtime)
    with stop_signals_as_errors(store):
        names = activate(options.directory, store, reload, settings.models, options.share)
    print(f"Serving: {', '.join(names)}")
    return 0


def _roll_back(_: argparse.Namespace) -> int:
    settings = load_settings()
    runtime = find_running(settings.server.runtime_directory)
    store, reload = ReleaseStore(runtime.state), partial(reload_workers, runtime)
    with stop_signals_as_errors(store):
        names = roll_back(store, reload, settings.models)
    print(f"Serving: {', '.join(names)}")
    return 0


def _print_status(_: argparse.Namespace) -> int:
    for line in status_lines(find_running(load_settings().server.runtime_directory)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
