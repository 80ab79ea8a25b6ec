"""The command `emotion`."""

import argparse
import io
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from tqdm import tqdm

from speech_emotion.answers import Prediction
from speech_emotion.audio import MAXIMUM_SECONDS, SHORTEST_WINDOW
from speech_emotion.client import DEFAULT_SERVER, Client
from speech_emotion.errors import AudioError, ServerProblemError, SpeechEmotionError
from speech_emotion.output import (
    PredictionTable,
    network_rows,
    prediction_json,
    verification_rows,
)
from speech_emotion.untrusted import sha256

DISAGREEMENT = 11
INTERRUPTED = 130
BROKEN_PIPE = 141

EXIT_CODES = """\
exit codes: 0 all done, 2 wrong usage, 3 no server, 4 wrong server, 5 unknown network,
6 extractor refused, 7 request refused by the server, 8 audio unreadable or empty,
9 audio under 0.1 s, 10 audio over 600 s without --every, 11 features do not agree.
If a file fails, the others are processed; the first failure sets the exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    options = _parser().parse_args(arguments)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # hide its warnings about retries
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Pipes get each line at once, and names with invalid characters are escaped.
        sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    try:
        return int(options.run(_client(options), options))
    except SpeechEmotionError as error:
        _print_error(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Otherwise the interpreter would report a second error when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _client(options: argparse.Namespace) -> Client:
    return Client(options.server, extractor_sha256=getattr(options, "extractor_sha256", None))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emotion",
        description="Recognise emotions in speech recordings. The audio stays on this machine.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--server", metavar="URL", default=DEFAULT_SERVER, help="(%(default)s)")
    common.add_argument("--json", action="store_true", help="print one line of JSON per result")
    extractor = argparse.ArgumentParser(add_help=False)
    extractor.add_argument(
        "--extractor-sha256", type=_sha256, metavar="HEX", help="refuse any other extractor"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    predict = commands.add_parser(
        "predict", parents=[common, extractor], help="predict the emotion of files"
    )
    predict.add_argument("files", nargs="+", metavar="FILE", help="any format of libsndfile")
    predict.add_argument("--network", metavar="NAME", help="(the server's best network)")
    predict.add_argument(
        "--every", type=_seconds, metavar="SECONDS", help="predict in windows of this length"
    )
    predict.set_defaults(run=_predict)

    verify = commands.add_parser(
        "verify",
        parents=[common, extractor],
        help="check that this machine computes the right features",
    )
    verify.set_defaults(run=_verify)

    networks = commands.add_parser("networks", parents=[common], help="list the server's networks")
    networks.set_defaults(run=_networks)
    return parser


def _sha256(text: str) -> str:
    try:
        return sha256(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; expected 64 hexadecimal digits") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not SHORTEST_WINDOW <= seconds <= MAXIMUM_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{text!r}; expected seconds from {SHORTEST_WINDOW:g} to {MAXIMUM_SECONDS:g}"
        )
    return seconds


def _predict(client: Client, options: argparse.Namespace) -> int:
    table = PredictionTable(
        files=options.files,
        emotions=client.contract.network(options.network).emotions,
        in_windows=options.every is not None,
        width=shutil.get_terminal_size().columns if sys.stdout.isatty() else None,
    )
    exit_code = 0
    # None: show the bar only if stderr is a terminal.
    hidden = None if len(options.files) > 1 else True
    with tqdm(options.files, unit="file", leave=False, disable=hidden) as files:
        if not options.json:
            files.write(table.header())
        for file in files:
            try:
                for prediction in _predictions(client, file, options):
                    _write(files, table, file, prediction, options.json)
            except (AudioError, ServerProblemError) as error:
                exit_code = exit_code or error.exit_code
                with files.external_write_mode():
                    _print_error(_named(file, error))
    return exit_code


def _predictions(client: Client, file: str, options: argparse.Namespace) -> Iterator[Prediction]:
    if options.every is None:
        yield client.predict(file, options.network)
    else:
        yield from client.predict_windows(file, options.every, options.network)


def _write(
    files: "tqdm[str]", table: PredictionTable, file: str, prediction: Prediction, as_json: bool
) -> None:
    lines = [prediction_json(file, prediction)] if as_json else table.rows(file, prediction)
    for line in lines:
        files.write(line)


def _named(file: str, error: SpeechEmotionError) -> str:
    """The message with the file's name; that of an AudioError begins with it already."""
    hint = ""
    if isinstance(error, ServerProblemError) and error.status == 413:
        hint = " Use windows (--every SECONDS)."
    return str(error) if isinstance(error, AudioError) else f"{file}: {error}{hint}"


def _verify(client: Client, options: argparse.Namespace) -> int:
    verifications = client.verify()
    _print(options, verifications, verification_rows(verifications))
    return 0 if all(item.agrees for item in verifications) else DISAGREEMENT


def _networks(client: Client, options: argparse.Namespace) -> int:
    networks = client.contract.networks
    _print(options, networks, network_rows(networks))
    return 0


def _print(options: argparse.Namespace, items: Sequence[Any], rows: Sequence[str]) -> None:
    lines = [json.dumps(asdict(item)) for item in items] if options.json else rows
    for line in lines:
        print(line)


def _print_error(message: str) -> None:
    print(f"emotion: {message}", file=sys.stderr)
