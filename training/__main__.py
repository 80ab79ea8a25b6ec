"""python -m training COMMAND, of which --help gives the list."""

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, get_args, get_type_hints

from configuration import SettingError, config_path, read_section
from training import commands
from training.commands import NAMES, Run
from training.comparison import commands as comparison
from training.comparison.commands import ComparisonRun
from training.comparison.declaration import RecipeError
from training.comparison.settings import ComparisonSettings
from training.corpora.reader import CorpusError
from training.export.onnx_file import ExportError
from training.features.extractor import ExtractorError
from training.fitting import FitError
from training.folds import FoldsError
from training.settings import DataSettings, TrainingSettings
from training.storage.checkpoints import CheckpointError
from training.storage.scheduling import SchedulerError

SECTIONS: dict[str, type] = {
    "data": DataSettings,
    "training": TrainingSettings,
    "comparison": ComparisonSettings,
}
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
    RecipeError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0 only where it did all that was asked."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
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


def _run(options: argparse.Namespace) -> Run:
    return Run(
        data=_settings(DataSettings, "data", options),
        training=_settings(TrainingSettings, "training", options),
        networks=NAMES if options.network == "all" else (options.network,),
        resume=options.resume,
    )


def _comparison_run(options: argparse.Namespace) -> ComparisonRun:
    return ComparisonRun(
        run=_run(options),
        settings=_settings(ComparisonSettings, "comparison", options),
        recipes=options.recipes,
        corpus=options.corpus,
        clip=options.clip,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, description) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=description, description=description)
        subparser.set_defaults(command=_then(command, _run), network="all", resume=False)
        if name != "extractor":
            subparser.add_argument("--network", choices=(*NAMES, "all"), default="all")
        if name == "fit":
            subparser.add_argument(
                "--resume", action="store_true", help="continue where a fit was stopped"
            )
        _add_options(subparser, "data")
        _add_options(subparser, "training")
    _add_comparison_commands(subparsers)
    return parser


Given = TypeVar("Given")


def _then(
    command: Callable[[Given], object], prepare: Callable[[argparse.Namespace], Given]
) -> Callable[[argparse.Namespace], object]:
    return lambda options: command(prepare(options))


def _add_comparison_commands(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    description = "train and measure recipes side by side, and export them"
    compare = subparsers.add_parser("compare", help=description, description=description)
    compare.add_argument("--recipes", default="all", metavar="all|NAME,NAME...")
    compare.set_defaults(command=_then(comparison.compare, _comparison_run))
    description = "say what an exported recipe hears in a clip"
    predict = subparsers.add_parser("predict", help=description, description=description)
    predict.add_argument("--recipe", dest="recipes", required=True, metavar="NAME")
    predict.add_argument("clip", metavar="CLIP_OR_ID", help="a file, or an utterance of the corpus")
    predict.set_defaults(command=_then(comparison.predict_clip, _comparison_run))
    for subparser in (compare, predict):
        subparser.set_defaults(network="all", resume=False, clip="")
        _add_options(subparser, "data")
        _add_options(subparser, "comparison")


def _add_options(parser: argparse.ArgumentParser, section: str) -> None:
    """One option for each key of a section of config.ini; it wins over both file and variable."""
    group = parser.add_argument_group(f"instead of [{section}] in config.ini")
    for field in dataclasses.fields(SECTIONS[section]):
        example = str(field.default) if field.default is not None else field.name.upper()
        group.add_argument(f"--{field.name.replace('_', '-')}", metavar=example)


def _settings(section: type[Settings], name: str, options: argparse.Namespace) -> Settings:
    environment, origins = dict(os.environ), {}
    for key, kind in get_type_hints(section).items():
        text = getattr(options, key, None)
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
