"""python -m training COMMAND; --help lists the commands."""

import argparse
import dataclasses
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar, get_args, get_type_hints

from configuration import SettingError, config_path, is_path, read_section, variable_name
from training import commands, compare
from training.commands import NETWORKS, SHIPPED, Run
from training.compare import ComparisonRun
from training.errors import UserError
from training.settings import ComparisonSettings, DataSettings, TrainingSettings

SECTIONS: dict[str, type] = {
    "data": DataSettings,
    "training": TrainingSettings,
    "comparison": ComparisonSettings,
}
Settings = TypeVar("Settings")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0 only where it succeeded."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (SettingError, UserError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nstopped; finished work is kept: run it again (`fit` with --resume)", file=sys.stderr
        )
        return 130
    return 0


COMMANDS: dict[str, tuple[Callable[[Run], object], str]] = {
    "features": (commands.features, "extract the features of every recording into the cache"),
    "fit": (commands.fit, "fit networks on every speaker"),
    "evaluate": (
        commands.evaluate_networks,
        "measure networks on speakers that they were not fitted to",
    ),
    "extractor": (commands.build_extractor, "write the feature recipe as an ONNX file"),
    "export": (commands.export, "write fitted networks as ONNX files, and the model card"),
    "report": (commands.report, "write the report with its plots, and the model card"),
}


def _run(options: argparse.Namespace) -> Run:
    return Run(
        data=_settings(DataSettings, "data", options),
        training=_settings(TrainingSettings, "training", options),
        networks=SHIPPED if options.network == "all" else (options.network,),
        resume=options.resume,
    )


def _comparison_run(options: argparse.Namespace) -> ComparisonRun:
    # No option sets [training] here: --epochs and --folds are those of [comparison].
    training = _settings(TrainingSettings, "training", argparse.Namespace())
    data = _settings(DataSettings, "data", options)
    return ComparisonRun(
        run=Run(data, training, networks=()),
        settings=_settings(ComparisonSettings, "comparison", options),
        recipes=options.recipes,
        corpus=tuple(options.corpus) if options.corpus else None,
        clip=options.clip,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, description) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=description, description=description)
        subparser.set_defaults(command=_then(command, _run), network="all", resume=False)
        if name != "extractor":
            subparser.add_argument(
                "--network",
                choices=(*NETWORKS, "all"),
                default="all",
                help=f"default: all, {', '.join(SHIPPED)}",
            )
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
    description = "fit and measure systems side by side, and export them"
    subparser = subparsers.add_parser("compare", help=description, description=description)
    subparser.add_argument(
        "--recipes", default="all", metavar="all|NAME,NAME...", help="systems to compare"
    )
    subparser.set_defaults(command=_then(compare.compare, _comparison_run), clip="")
    _add_options(subparser, "data")
    _add_options(subparser, "comparison")
    description = "predict the emotion of a clip with an exported system"
    subparser = subparsers.add_parser("predict", help=description, description=description)
    subparser.add_argument(
        "--recipe", dest="recipes", required=True, metavar="NAME", help="the system"
    )
    subparser.add_argument("clip", metavar="CLIP_OR_ID", help="a file, or an utterance's name")
    subparser.set_defaults(command=_then(compare.predict_clip, _comparison_run))
    _add_options(subparser, "data", words=1)  # the clip may follow
    _add_options(subparser, "comparison")


def _add_options(
    parser: argparse.ArgumentParser, section: str, words: int | Literal["+"] = "+"
) -> None:
    """One option for each key of a section of config.ini; it overrides both file and variable.

    An option for a list takes so many words.
    """
    group = parser.add_argument_group(f"instead of [{section}] in config.ini")
    for field in dataclasses.fields(SECTIONS[section]):
        option, default = f"--{field.name.replace('_', '-')}", field.default
        if isinstance(default, tuple):
            shown = default[:2] if words == "+" else default[0]
            group.add_argument(option, metavar=shown, nargs=words)
        else:
            example = str(default) if default is not None else field.name.upper()
            group.add_argument(option, metavar=example)


def _settings(section: type[Settings], name: str, options: argparse.Namespace) -> Settings:
    environment, origins = dict(os.environ), {}
    for key, kind in get_type_hints(section).items():
        text = getattr(options, key, None)
        if text is not None:
            variable = variable_name(name, key)
            is_path = Path in (kind, *get_args(kind))
            words = text if isinstance(text, str) else shlex.join(map(_from_here, text))
            environment[variable] = str(Path(text).absolute()) if is_path else words
            origins[variable] = f"--{key.replace('_', '-')}"
    try:
        return read_section(section, name, config_path(), environment)
    except SettingError as error:
        variable, _, rest = str(error).partition(":")
        raise SettingError(f"{origins.get(variable, variable)}:{rest}") from None


def _from_here(word: str) -> str:
    return str(Path(word).absolute()) if is_path(word) else word


if __name__ == "__main__":
    sys.exit(main())
