"""`emotion verify` and `emotion networks`."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from speech_emotion.command.connection import connect
from speech_emotion.command.networks import network_rows
from speech_emotion.command.output import verification_rows

DISAGREEMENT = 11


def verify(options: argparse.Namespace) -> int:
    """Prints the server's verdicts on the features of this machine."""
    verifications = connect(options).verify()
    _print(options, verifications, verification_rows(verifications))
    return 0 if all(item.agrees for item in verifications) else DISAGREEMENT


def networks(options: argparse.Namespace) -> int:
    """Lists the server's networks."""
    found = connect(options).contract.networks
    _print(options, found, network_rows(found))
    return 0


def _print(options: argparse.Namespace, items: Sequence[Any], rows: Sequence[str]) -> None:
    lines = [json.dumps(asdict(item)) for item in items] if options.json else rows
    for line in lines:
        print(line)
