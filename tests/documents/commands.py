"""The commands that documents print in blocks."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from configuration import ROOT

DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *(ROOT / "clients" / folder / "README.md" for folder in ("python", "web", "web/extractor")),
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LANGUAGES = ("", "sh", "bash", "console")
ASSIGNMENT = re.compile(r"(\w+)=(?!\$\()")
OPERATORS = {"|", "||", "&&", ";", ">", ">>", "<", "</dev/null"}
SYNOPSIS = " [--"  # of a command: not one to type

# What no test can run, and why. Their syntax is checked, and the names that they give.
EXEMPT = {
    "cp": "copies what the reader has",
    "docker": "needs a daemon; tests/image builds the image and runs it",
    "for": "a loop of curl; tests/stack/test_limits.py sends such requests",
    "git": "changes the checkout",
    "helm": "needs a cluster; tests/deploy validates the files",
    "key": "makes a key; tests/stack/test_access.py does the same",
    "kubectl": "needs a cluster; tests/deploy validates the files",
    "npm": "installs packages; make test builds the page",
    "openssl": "asks a server with a certificate; tests/stack/test_tls.py does",
    "pip": "changes the environment",
    "pipx": "changes the environment",
    "podman": "tests/image builds the image and runs it",
    "sudo": "needs root",
    "systemctl": "needs systemd",
}
CHECKED = {"make", "python", ".venv-dev/bin/python", "emotion", "curl", "./ser", "ser"}


@dataclass(frozen=True)
class Command:
    """A command as a reader copies it, with its comment."""

    document: Path
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}: {self.text.splitlines()[0][:60]}"

    @property
    def settings(self) -> list[str]:
        """The names of the variables that it sets."""
        found = (ASSIGNMENT.match(word) for word in self._all)
        return [match[1] for match in found if match]

    @property
    def words(self) -> list[str]:
        """The program and its arguments, up to the first operator of the shell."""
        words = self._all
        while len(words) > 1 and ASSIGNMENT.match(words[0]):
            del words[0]
        end = next((i for i, word in enumerate(words) if word in OPERATORS), len(words))
        return words[:end]

    @property
    def program(self) -> str:
        """The first word; of an assignment, the name."""
        return self.words[0].partition("=")[0] if self.words else ""

    @property
    def _all(self) -> list[str]:
        return shlex.split(self.text, comments=True)


def commands() -> list[Command]:
    """Those of all documents: blocks without a language whose first word is a known program."""
    return [command for document in DOCUMENTS for command in _of(document)]


def _of(document: Path) -> Iterator[Command]:
    blocks = BLOCK.findall(document.read_text(encoding="utf-8"))
    for block in (text for language, text in blocks if language in LANGUAGES):
        found = [Command(document, text) for text in _split(block)]
        if found and all(command.program in (CHECKED | EXEMPT.keys()) for command in found):
            yield from (command for command in found if SYNOPSIS not in command.text)


def _split(block: str) -> list[str]:
    """Joins the lines of one command; nothing where the block is no shell."""
    texts, open_lines = [], ""
    for line in block.splitlines():
        open_lines += f"{line}\n"
        try:
            words = shlex.split(open_lines, comments=True)
        except ValueError:  # a quote is open
            continue
        if line.endswith("\\") or (words and words[-1] in OPERATORS):
            continue
        if words:
            texts.append(open_lines.strip())
        open_lines = ""
    return [] if open_lines.strip() else texts
