"""The program `ser` works from any folder, outside the environment."""

import subprocess
from pathlib import Path

import pytest

from configuration import ROOT
from server import NAME, VERSION

SER = ROOT / "ser"


def output(command: Path, folder: Path, *arguments: str) -> str:
    """What the command prints in a folder, with no environment but a path without Python."""
    done = subprocess.run(
        [command, *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with a package that has the name of the server's, and a link to the program."""
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    (tmp_path / "ser").symlink_to(SER)
    return tmp_path


@pytest.mark.parametrize("link", [False, True], ids=["its path", "a link"])
def test_it_runs_from_any_folder(elsewhere: Path, link: bool) -> None:
    command = elsewhere / "ser" if link else SER
    assert output(command, elsewhere, "--version") == f"{NAME} {VERSION}\n"


def test_its_arguments_are_relative_to_the_folder(elsewhere: Path) -> None:
    (elsewhere / "sets").symlink_to(ROOT / "models-german")
    assert output(SER, elsewhere, "models", "check", "sets") == "Good: CNN, DNN, TCN\n"
