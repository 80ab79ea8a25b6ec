"""`python -m server`: runs the server and manages the models of a running one."""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from configuration import SettingError
from server.launch.launcher import LaunchError, find_nginx, run
from server.launch.running_server import find_running, reload_workers
from server.launch.runtime_directory import RuntimeDirectoryError
from server.models.releases import RefusedModelsError, ReleaseError, ReleaseStore
from server.settings import load_settings

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
    parser = argparse.ArgumentParser(prog="python -m server", description=__doc__)
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
    command = actions.add_parser("rollback", help="serve the previous models again")
    command.set_defaults(command=_roll_back)
    return parser


def _run(options: argparse.Namespace) -> int:
    return run(load_settings(), None if options.without_nginx else find_nginx())


def _check(options: argparse.Namespace) -> int:
    from server.models.activation import check  # noqa: PLC0415  # `run` must not load ONNX Runtime

    names = check(options.directory, load_settings().models)
    print(f"Good: {', '.join(names)}")
    return 0


def _activate(options: argparse.Namespace) -> int:
    from server.models.activation import activate  # noqa: PLC0415

    settings = load_settings()
    runtime = find_running(settings.server.runtime_directory)
    reload = partial(reload_workers, runtime)
    names = activate(options.directory, ReleaseStore(runtime.state), reload, settings.models)
    print(f"Serving: {', '.join(names)}")
    return 0


def _roll_back(_: argparse.Namespace) -> int:
    from server.models.activation import roll_back  # noqa: PLC0415

    runtime = find_running(load_settings().server.runtime_directory)
    names = roll_back(ReleaseStore(runtime.state), partial(reload_workers, runtime))
    print(f"Serving: {', '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
