"""`python -m server`: runs the server, and changes the models of a running one."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from configuration import SettingError
from server.launch.launcher import StackError, find_nginx, run
from server.launch.runtime_directory import RuntimeDirectoryError, find_running
from server.models.releases import ReleaseError
from server.settings import load_settings

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status: 1 for models that are refused, 2 for an error."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except (SettingError, StackError, RuntimeDirectoryError, ReleaseError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m server", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="start the server and stay in the foreground")
    help_text = "serve the API only, for a try-out"
    command.add_argument("--without-nginx", action="store_true", help=help_text)
    command.set_defaults(command=_run)
    models = commands.add_parser("models", help="verify and change what a running server serves")
    actions = models.add_subparsers(required=True, metavar="ACTION")
    for name, action, help_text in (
        ("check", _check, "verify a directory, and list all that is wrong with it"),
        ("activate", _activate, "verify a directory and serve it instead, without a pause"),
    ):
        command = actions.add_parser(name, help=help_text)
        command.add_argument("directory", type=Path, metavar="DIR", help="a models' directory")
        command.set_defaults(command=_refusing(action))
    command = actions.add_parser("rollback", help="go back to what was served before")
    command.set_defaults(command=_roll_back)
    return parser


def _run(options: argparse.Namespace) -> int:
    return run(load_settings(), None if options.without_nginx else find_nginx())


def _refusing(action: Command) -> Command:
    """The action, with refused models told and made exit status 1."""

    def command(options: argparse.Namespace) -> int:
        from server.models.activation import RefusedModelsError  # noqa: PLC0415  # loads ONNX Runtime

        try:
            return action(options)
        except RefusedModelsError as error:
            print(f"Refused:\n{error}", file=sys.stderr)
            return 1

    return command


def _check(options: argparse.Namespace) -> int:
    from server.models.activation import check  # noqa: PLC0415  # loads ONNX Runtime, as `run` must not

    names = check(options.directory, load_settings().models)
    print(f"Good: {', '.join(names)}")
    return 0


def _activate(options: argparse.Namespace) -> int:
    from server.models.activation import activate  # noqa: PLC0415

    settings = load_settings()
    runtime = find_running(settings.server.runtime_directory)
    names = activate(options.directory, runtime, settings.models)
    print(f"Serving: {', '.join(names)}")
    return 0


def _roll_back(_: argparse.Namespace) -> int:
    from server.models.activation import roll_back  # noqa: PLC0415

    runtime = find_running(load_settings().server.runtime_directory)
    print(f"Serving: {', '.join(roll_back(runtime))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
