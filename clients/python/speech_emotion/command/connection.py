"""The options that say which server is asked, and the client that they describe."""

import argparse
import os

from speech_emotion.client import DEFAULT_SERVER, Client
from speech_emotion.local.client import LocalClient

KEY_VARIABLE = "SER_API_KEY"
KEY_HINT = f"set {KEY_VARIABLE}, or use --api-key"


def connection_options() -> argparse.ArgumentParser:
    """A parent of the parsers of commands that ask a server."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--server", metavar="URL", default=DEFAULT_SERVER, help="(%(default)s)")
    options.add_argument(
        "--api-key",
        metavar="KEY",
        default=os.environ.get(KEY_VARIABLE) or None,  # an empty variable is none
        help=f"of a server that needs one; {KEY_VARIABLE} hides it from other users' lists of "
        "processes",
    )
    return options


def connect(options: argparse.Namespace) -> Client:
    """The client; raises InvalidAddressError, InvalidKeyError."""
    pinned = getattr(options, "extractor_sha256", None)  # `networks` runs no extractor
    return Client(options.server, extractor_sha256=pinned, api_key=options.api_key)


def client_of(options: argparse.Namespace) -> Client:
    """The client that predicts as the options ask: with a server, or on this machine."""
    if not options.local and options.models is None:
        return connect(options)
    return LocalClient(
        options.server,
        extractor_sha256=options.extractor_sha256,
        api_key=options.api_key,
        models=options.models,
    )
