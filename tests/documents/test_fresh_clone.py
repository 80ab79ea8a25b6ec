"""The quick start of the README works in a fresh clone: its commands are run as they stand."""

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from configuration import ROOT
from tests.documents.commands import BLOCK
from tests.documents.shown import SHOWN, same
from tests.support.harness import DEADLINE, Server, started
from tests.support.missing import missing

BUILT_PAGE = Path("clients", "web", "dist")
QUICK_START = SHOWN[0]  # the answer to the README's first request


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the last commit, as a user gets it, but for two things that take minutes.

    `.venv` is a link to that of this checkout, which scripts/environment accepts while the lock is
    the same. The page was built here, which scripts/page accepts if no source is newer.
    """
    if not (ROOT / ".git").exists():
        missing("the checkout is no Git repository: clone it with Git")
    if not (ROOT / BUILT_PAGE / "index.html").exists():
        missing("the page is not built: `scripts/page` builds it")
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    command = ["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(folder)]
    subprocess.run(command, timeout=DEADLINE, check=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    shutil.copytree(ROOT / BUILT_PAGE, folder / BUILT_PAGE, copy_function=shutil.copyfile)
    return folder


@pytest.fixture(scope="module")
def server(nginx: Path, clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that the README's first command starts; its port is a free one."""
    first = BLOCK.findall((clone / "README.md").read_text(encoding="utf-8"))[0][1]
    command = tuple(shlex.split(first, comments=True))
    assert command[0] == "make"
    runtime = tmp_path_factory.mktemp("run")
    with started(runtime, command=command, folder=clone) as server:
        assert server.wait_for_line("Ready: ", "Running, ").startswith("Ready: "), server.output
        yield server
        processes = server.tree()
        os.killpg(server.process.pid, signal.SIGINT)  # as Ctrl-C does
        server.process.wait(DEADLINE)
        _, alive = psutil.wait_procs(processes, DEADLINE)
        assert not alive


def test_what_the_clone_was_given_is_used(server: Server, clone: Path) -> None:
    assert (clone / ".venv").is_symlink()
    assert not (clone / "clients" / "web" / "node_modules").exists()


def test_the_first_request_is_answered_as_the_readme_shows(server: Server, clone: Path) -> None:
    shown = replace(QUICK_START, root=clone)
    printed = shown.printed(server)
    assert same(shown.shown, printed), f"it prints {printed}"


def test_the_page_is_served(server: Server) -> None:
    page = server.client.get("/")
    assert page.status_code == 200
    assert page.content == (ROOT / BUILT_PAGE / "index.html").read_bytes()
