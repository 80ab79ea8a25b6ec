"""Every command in the documents is one that its program accepts."""

import importlib.util
import re
import subprocess
from collections.abc import Callable
from dataclasses import fields

import pytest
from speech_emotion.command.parser import parser as client_parser

from configuration import CLIENT_VARIABLE, CONFIG_VARIABLE, ROOT, variable_name
from server.__main__ import _parser as server_parser
from server.settings import ModelSettings, ServerSettings
from tests.documents.commands import EXEMPT, Command, commands
from training.__main__ import _parser as training_parser
from training.settings import ComparisonSettings, DataSettings, TrainingSettings

SECTIONS = {
    "server": ServerSettings,
    "models": ModelSettings,
    "data": DataSettings,
    "training": TrainingSettings,
    "comparison": ComparisonSettings,
}
VARIABLES = {
    *(variable_name(name, field.name) for name, kind in SECTIONS.items() for field in fields(kind)),
    *(CONFIG_VARIABLE, CLIENT_VARIABLE),
}
ALL = commands()
TARGETS = set(
    re.findall(r"^([a-z.-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)


def test_commands_were_found_in_many_documents() -> None:
    assert len(ALL) > 40
    assert len({command.document for command in ALL}) > 8


@pytest.mark.parametrize("command", ALL, ids=str)
def test_the_program_accepts_the_command(command: Command) -> None:
    done = subprocess.run(
        ["bash", "-n", "-c", command.text], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    ours = [name for name in command.settings if name.startswith("SER_")]
    assert set(ours) <= VARIABLES
    if command.program not in EXEMPT:
        CHECKS[command.program](command.words[1:])


def _make(words: list[str]) -> None:
    targets = [word for word in words if "=" not in word]
    assert set(targets) <= TARGETS


def _python(words: list[str]) -> None:
    if words[0] == "client.py":  # the program of the guide: tests/stack/test_client_guide.py
        return
    assert words[0] == "-m"
    module, *arguments = words[1:]
    if module in PARSERS:
        PARSERS[module](arguments)
    elif module == "pytest":
        assert (ROOT / arguments[0]).exists()
    else:
        assert importlib.util.find_spec(module)


def _expanded(word: str) -> str:
    """A word in which the shell replaces a command by what it prints."""
    if not word.startswith("$("):
        return word
    done = subprocess.run(
        ["bash", "-c", f"echo {word}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _curl(words: list[str]) -> None:
    assert any(re.match(r"(https?://)?localhost:\d+/", word) for word in words)


PARSERS: dict[str, Callable[[list[str]], object]] = {
    "server": lambda words: server_parser().parse_args(words),
    "training": lambda words: training_parser().parse_args(words),
}
CHECKS: dict[str, Callable[[list[str]], object]] = {
    "make": _make,
    "python": _python,
    ".venv-dev/bin/python": _python,
    "emotion": lambda words: client_parser().parse_args(list(map(_expanded, words))),
    "curl": _curl,
    "./ser": PARSERS["server"],
    "ser": PARSERS["server"],
}
