"""python -m training features | fit | evaluate | export | report | extractor."""

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, get_args, get_type_hints

from configuration import SettingError, config_path, read_section
from training import commands
from training.checkpoints import CheckpointError
from training.commands import NAMES, Run
from training.corpora import CorpusError
from training.export import ExportError
from training.extractor import ExtractorError
from training.fitting import FitError
from training.folds import FoldsError
from training.scheduling import SchedulerError
from training.settings import DataSettings, TrainingSettings

SECTIONS: dict[str, type] = {"data": DataSettings, "training": TrainingSettings}
Settings = TypeVar("Settings")

USER_ERRORS = (
    SettingError,
    CorpusError,
    CheckpointError,
    FitError,
    FoldsError,
    SchedulerError,
    ExportError,
    ExtractorError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0 only where it did all that was asked."""
    options = _parser().parse_args(arguments)
    try:
        run = Run(
            data=_settings(DataSettings, "data", options),
            training=_settings(TrainingSettings, "training", options),
            networks=NAMES if options.network == "all" else (options.network,),
            resume=options.resume,
        )
        options.command(run)
    except USER_ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nstopped; what was done is kept: run it again (`fit` with --resume)", file=sys.stderr
        )
        return 130
    return 0


COMMANDS: dict[str, tuple[Callable[[Run], object], str]] = {
    "features": (commands.features, "extract the features of every recording into the cache"),
    "fit": (commands.fit, "fit networks on every speaker"),
    "evaluate": (commands.evaluate_networks, "measure networks on speakers they have not heard"),
    "extractor": (commands.build_extractor, "write the feature recipe as an ONNX file"),
    "export": (commands.export, "write fitted networks as ONNX files, and the model card"),
    "report": (commands.report, "write the report with its plots, and the model card"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, description) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=description, description=description)
        subparser.set_defaults(command=command, network="all", resume=False)
        if name != "extractor":
            subparser.add_argument("--network", choices=(*NAMES, "all"), default="all")
        if name == "fit":
            subparser.add_argument(
                "--resume", action="store_true", help="continue where a fit was stopped"
            )
        for section in SECTIONS:
            _add_options(subparser, section)
    return parser


def _add_options(parser: argparse.ArgumentParser, section: str) -> None:
    """One option for each key of a section of config.ini; it wins over both file and variable."""
    group = parser.add_argument_group(f"instead of [{section}] in config.ini")
    for field in dataclasses.fields(SECTIONS[section]):
        example = str(field.default) if field.default is not None else field.name.upper()
        group.add_argument(f"--{field.name.replace('_', '-')}", metavar=example)


def _settings(section: type[Settings], name: str, options: argparse.Namespace) -> Settings:
    environment, origins = dict(os.environ), {}
    for key, kind in get_type_hints(section).items():
        text = getattr(options, key)
        if text is not None:
            variable = f"SER_{name}_{key}".upper()
            is_path = Path in (kind, *get_args(kind))
            environment[variable] = str(Path(text).absolute()) if is_path else text
            origins[variable] = f"--{key.replace('_', '-')}"
    try:
        return read_section(section, name, config_path(), environment)
    except SettingError as error:
        variable, _, rest = str(error).partition(":")
        raise SettingError(f"{origins.get(variable, variable)}:{rest}") from None


if __name__ == "__main__":
    sys.exit(main())
