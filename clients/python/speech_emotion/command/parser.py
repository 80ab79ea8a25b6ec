"""The options of the command."""

import argparse
from importlib.metadata import version
from pathlib import Path

from speech_emotion.audio import MAXIMUM_SECONDS, SHORTEST_WINDOW
from speech_emotion.command import live, predict, profile, server
from speech_emotion.command.connection import connection_options
from speech_emotion.errors import ProfileNameError
from speech_emotion.profiles.store import checked_name
from speech_emotion.untrusted import sha256

PACKAGE = "speech-emotion-client"
FORMATS = "WAV, FLAC, Ogg, MP3 and more; m4a and webm with PyAV or ffmpeg"
EXIT_CODES = """\
exit codes: 0 all done, 2 wrong usage, 3 no server, 4 wrong server, 5 unknown network,
6 extractor refused, 7 request refused by the server, 8 audio unreadable or empty, or without
speech (profile add), 9 audio under 0.1 s, 10 audio over 600 s (profile add),
11 features do not agree, 12 profile missing, damaged, of other features, or not readable or
writable, 13 results not writable, 14 no microphone.
If a file fails, the others are processed; the first failure sets the exit code. A recording without
speech is no failure: the answer says so."""


def parser() -> argparse.ArgumentParser:
    """The parser; its result has a member `run`, the function of the chosen command."""
    root = argparse.ArgumentParser(
        prog="emotion",
        description="Recognise emotions in speech recordings. The audio stays on this machine.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {version(PACKAGE)}")
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    _add_predict(commands)
    _add_live(commands)
    verify = commands.add_parser(
        "verify",
        parents=[connection_options(), _json(), _extractor()],
        help="check that this machine computes the right features",
    )
    verify.set_defaults(run=server.verify)
    networks = commands.add_parser(
        "networks", parents=[connection_options(), _json()], help="list the server's networks"
    )
    networks.set_defaults(run=server.networks)
    _add_profile(commands)
    return root


def _json() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--json", action="store_true", help="print one line of JSON per result")
    return options


def _extractor() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--extractor-sha256",
        type=_sha256,
        action="append",
        metavar="HEX",
        help="refuse extractors with another hash; may be repeated, because a server has one "
        "extractor for each sample rate: audio is resampled to the rate of an allowed one",
    )
    return options


def _network() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--network", metavar="NAME", help="(the server's best network)")
    options.add_argument(
        "--local",
        action="store_true",
        help="run the network here and post nothing; the server must offer its file",
    )
    options.add_argument(
        "--models",
        type=Path,
        metavar="PATH",
        help="the same without a server: a network's file, or a folder, with extractors beside it",
    )
    return options


def _add_live(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    options = commands.add_parser(
        "live",
        parents=[connection_options(), _json(), _extractor(), _network()],
        help="predict what the microphone hears",
    )
    options.add_argument(
        "--every", type=_seconds, default=3.0, metavar="SECONDS", help="of a window (%(default)s)"
    )
    options.add_argument("--device", metavar="NAME", help="name or number (the system's default)")
    options.add_argument("--windows", type=_count, metavar="N", help="end after so many windows")
    options.set_defaults(run=live.live)


def _add_predict(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    options = commands.add_parser(
        "predict",
        parents=[connection_options(), _json(), _extractor(), _network()],
        help="predict the emotion of files",
    )
    options.add_argument("files", nargs="+", metavar="FILE", help=FORMATS)
    options.add_argument(
        "--recursive", "-r", action="store_true", help="predict the recordings in folders too"
    )
    options.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write the results as CSV, one row per file or window; one that fails has a row too",
    )
    options.add_argument(
        "--every",
        type=_seconds,
        metavar="SECONDS",
        help="print windows of this length (without: one answer, with a timeline above 60 s)",
    )
    options.add_argument(
        "--profile",
        type=_name,
        metavar="NAME",
        help="compare with the speaker's earlier clips, if the network uses a baseline "
        "(`emotion networks`), then add these; see `emotion profile --help`",
    )
    options.add_argument(
        "--no-update", action="store_true", help="do not add the clips to the profile"
    )
    options.set_defaults(run=predict.predict)


def _add_profile(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    options = commands.add_parser(
        "profile",
        help="keep what a speaker's voice is like, on this machine",
        description="A profile is the mean and spread of the features of one speaker's clips. It "
        "is close to a voice print. It stays in a file of yours, and is sent with the requests of "
        "`emotion predict --profile`; the server does not store it.",
    )
    actions = options.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser(
        "add",
        parents=[connection_options(), _extractor()],
        help="add clips; a few sentences of ordinary speech make a profile",
    )
    show = actions.add_parser("show", parents=[_json()], help="print a profile")
    forget = actions.add_parser("forget", help="delete a profile")
    for action, run in ((add, profile.add), (show, profile.show), (forget, profile.forget)):
        action.add_argument("name", type=_name, metavar="NAME")
        action.set_defaults(run=run)
    add.add_argument("files", nargs="+", metavar="FILE", help=FORMATS)
    listed = actions.add_parser("list", parents=[_json()], help="list the profiles")
    listed.set_defaults(run=profile.list_all)


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


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r}; expected an integer of at least 1")
    return int(text)


def _name(text: str) -> str:
    try:
        return checked_name(text)
    except ProfileNameError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
