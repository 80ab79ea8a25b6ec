"""python -m training COMMAND; --help lists the commands, COMMAND --help its options."""

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from configuration import SettingError
from training import commands, compare
from training.commands import NETWORKS, SHIPPED, Run
from training.compare import ComparisonRun
from training.console.device import fitting_on
from training.console.options import add_option, add_options, read_settings
from training.corpora.left_out import warnings
from training.corpora.union import Corpora
from training.errors import UserError
from training.settings import ComparisonSettings, DataSettings, TrainingSettings

STOPPED = """
stopped; finished features and fits are kept, and each finished epoch of `fit`
Run the command again: it continues (`fit` with --resume; without, it begins anew)"""
FITTING = ("fit", "evaluate", "export", "report", "compare")


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
        print(STOPPED, file=sys.stderr)
        return 130
    return 0


class Read(Protocol):
    """What a command returns that read corpora."""

    @property
    def corpora(self) -> Corpora:
        """With the files that it left out."""
        ...


COMMANDS: dict[str, tuple[Callable[[Run], Read | None], str]] = {
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
        data=read_settings(DataSettings, "data", options),
        training=read_settings(TrainingSettings, "training", options),
        networks=SHIPPED if options.network == "all" else (options.network,),
        resume=options.resume,
    )


def _comparison_run(options: argparse.Namespace) -> ComparisonRun:
    # No other option sets [training] here: --epochs and --folds are those of [comparison].
    of_training = argparse.Namespace(device=options.device)
    training = read_settings(TrainingSettings, "training", of_training)
    data = read_settings(DataSettings, "data", options)
    return ComparisonRun(
        run=Run(data, training, networks=()),
        settings=read_settings(ComparisonSettings, "comparison", options),
        recipes=options.recipes,
        corpus=tuple(options.corpus) if options.corpus else None,
        clip=options.clip,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, description) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=description, description=description)
        then = _then(name, command, _run, lambda run: run.training.device)
        subparser.set_defaults(command=then, network="all", resume=False)
        if name != "extractor":
            subparser.add_argument(
                "--network",
                choices=(*NETWORKS, "all"),
                default="all",
                help=f"the network; default: all, which are {', '.join(SHIPPED)}",
            )
        if name == "fit":
            subparser.add_argument(
                "--resume",
                action="store_true",
                help="continue where a fit was stopped; default: begin anew",
            )
        add_options(subparser, "data", NETWORKS)
        add_options(subparser, "training", NETWORKS)
    _add_comparison_commands(subparsers)
    return parser


Given = TypeVar("Given")


def _then(
    name: str,
    command: Callable[[Given], Read | None],
    prepare: Callable[[argparse.Namespace], Given],
    device: Callable[[Given], str],
) -> Callable[[argparse.Namespace], None]:
    """The command, between what is told at its start and at its end."""

    def run(options: argparse.Namespace) -> None:
        given = prepare(options)
        with contextlib.ExitStack() as stack:
            if name in FITTING:
                print(stack.enter_context(fitting_on(device(given))))
            read = command(given)
        for text in warnings(read.corpora) if read else ():
            print(f"warning: {text}", file=sys.stderr)

    return run


def _add_comparison_commands(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    description = "fit and measure systems side by side, and export them"
    subparser = subparsers.add_parser("compare", help=description, description=description)
    subparser.add_argument(
        "--recipes",
        default="all",
        metavar="all|NAME,NAME...",
        help="the systems to compare; default: all",
    )
    then = _then(
        "compare", compare.compare, _comparison_run, lambda given: given.run.training.device
    )
    subparser.set_defaults(command=then, clip="")
    (device,) = (f for f in dataclasses.fields(TrainingSettings) if f.name == "device")
    add_option(subparser, device, {})
    add_options(subparser, "data", {})
    add_options(subparser, "comparison", {})
    description = "predict the emotion of a clip with an exported system"
    subparser = subparsers.add_parser("predict", help=description, description=description)
    subparser.add_argument(
        "--recipe",
        dest="recipes",
        required=True,
        metavar="NAME",
        help="the system, which `compare` exported; no default",
    )
    subparser.add_argument("clip", metavar="CLIP_OR_ID", help="a file, or an utterance's name")
    then = _then("predict", compare.predict_clip, _comparison_run, lambda _: "auto")
    subparser.set_defaults(command=then, device=None)
    add_options(subparser, "data", {}, words=1)  # the clip may follow
    add_options(subparser, "comparison", {})


if __name__ == "__main__":
    sys.exit(main())
