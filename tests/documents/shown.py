"""Answers that documents show, beside the commands that give them."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from configuration import ROOT
from tests.support.harness import DEADLINE, Server

ADDRESS = "localhost:8080"
NUMBER = re.compile(r"-?\d+\.\d+")
SAME = 1e-4  # what processors may differ by


@dataclass(frozen=True)
class Shown:
    """A part of a document that shows what a command printed."""

    document: str
    command: str  # a pattern that matches the whole command
    place: str  # a pattern whose one group is what is shown
    text: Callable[[str], str]  # from what the command prints to what is shown
    root: Path = ROOT  # of the checkout

    def printed(self, server: Server) -> str:
        """What is to be shown: the command is run as it stands, but for the address."""
        return self.text(run(_found(self.command, self.read())[0], server))

    def read(self) -> str:
        """The document."""
        return (self.root / self.document).read_text(encoding="utf-8")

    @property
    def shown(self) -> str:
        """What the document shows now."""
        return _found(self.place, self.read())[1]

    def write(self, printed: str) -> None:
        """Shows this instead."""
        text, match = self.read(), _found(self.place, self.read())
        text = text[: match.start(1)] + printed + text[match.end(1) :]
        (self.root / self.document).write_text(text, encoding="utf-8")


def _found(pattern: str, text: str) -> re.Match[str]:
    match = re.search(pattern, text, re.DOTALL | re.MULTILINE)
    assert match, f"{pattern} is not in the document"
    return match


def run(command: str, server: Server) -> str:
    """What a command prints that asks the server at `ADDRESS`."""
    own = command.replace(ADDRESS, f"127.0.0.1:{server.port}")
    assert own != command, f"{command} does not ask {ADDRESS}"
    done = subprocess.run(
        ["bash", "-c", own], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def same(shown: str, printed: str) -> bool:
    """Whether two texts differ in nothing but the last digits of numbers."""
    ours, theirs = ([float(number) for number in NUMBER.findall(it)] for it in (shown, printed))
    return NUMBER.sub("0", shown) == NUMBER.sub("0", printed) and ours == [
        pytest.approx(number, abs=SAME) for number in theirs
    ]


def _results(printed: str) -> str:
    rows = ",\n".join(f"  {json.dumps(row)}" for row in json.loads(printed)["results"])
    return f'{{"results": [\n{rows}\n]}}\n'


def _first_class(printed: str) -> str:
    outputs = json.loads(printed)["outputs"]
    return str(outputs[0]["data"][0])


SHOWN = (
    Shown("README.md", r"^curl http\S+/prediction/CNN .*?\}'$", r"```json\n(.*?)```", _results),
    Shown(
        "docs/open-inference.md",
        r"^curl http\S+/v2/models/DNN/infer .*?\}'$",
        r"`([\d.]+:\d+:\w+)`, datatype BYTES",
        _first_class,
    ),
)
