import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configuration import config_path, read_section
from server.launch.launcher import find_nginx
from tests.support.harness import Server, running
from tests.support.missing import CORPORA, MISSING, missing
from tests.support.models.shipped import MODELS, shipped_recipe
from tests.support.models.tiny import write_frame_network
from training.settings import DataSettings


def pytest_configure() -> None:
    """SIGTERM ends the tests as Ctrl-C does: fixtures stop what they started."""
    ours = os.getpid()

    def stop(number: int, _frame: Any) -> None:
        if os.getpid() == ours:
            raise KeyboardInterrupt
        signal.signal(number, signal.SIG_DFL)  # a process that a test forked
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, stop)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says once for each component that lacks how to install it."""
    skipped = terminalreporter.getreports("skipped")
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    wanted = {reason: count for reason, count in reasons.items() if reason.startswith(MISSING)}
    if wanted:
        terminalreporter.section("components that are missing")
    for reason, count in wanted.items():
        terminalreporter.line(f"{count} skipped: {reason.removeprefix(MISSING)}")


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder. Its name is short: the path of a Unix socket has at most 107 bytes."""
    name = re.sub(r"\W", "_", request.node.name.removeprefix("test_"))
    return tmp_path_factory.mktemp(name[:15])


@pytest.fixture(scope="session")
def nginx() -> Path:
    """The Nginx executable."""
    found = find_nginx()
    if found is None:
        missing("Nginx is missing: sudo apt-get install nginx")
    return found


@pytest.fixture(scope="session")
def ravdess() -> Path:
    """The folder of the RAVDESS corpus."""
    path = read_section(DataSettings, "data", config_path()).folder("ravdess")
    if not path.is_dir():
        missing(f"{path}: no such folder, of RAVDESS; {CORPORA}")
    return path


@pytest.fixture(scope="session")
def emodb(ravdess: Path) -> Path:
    """The folder of EmoDB with clips cut to 2 s, beside RAVDESS."""
    path = ravdess.parent / "emodb-2s"
    if not path.is_dir():
        missing(f"{path}: no such folder, of EmoDB with clips of 2 s; {CORPORA}")
    return path


@pytest.fixture(scope="session")
def originals(ravdess: Path) -> list[Path]:
    """Original RAVDESS recordings at 48 kHz, one of each emotion."""
    folder = ravdess.parent / "ravdess-48k"
    recordings = sorted(folder.glob("*.wav"))
    if not recordings:
        missing(f"{folder}: no recordings, of RAVDESS as published at 48 kHz; {CORPORA}")
    return recordings


@pytest.fixture(scope="session")
def models_with_frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's models, and a network for frames with three emotions."""
    directory = tmp_path_factory.mktemp("models")
    shutil.copytree(MODELS, directory, dirs_exist_ok=True)
    write_frame_network(
        directory,
        "Frames",
        recipe=shipped_recipe(),
        distance_limit=1000.0,
        metrics={"protocol": "none: made for a test", "speakerIndependentUar": 0.1},
    )
    return directory


@pytest.fixture(scope="session")
def server_with_frames(
    nginx: Path, models_with_frames: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with `models_with_frames`, shared by the tests of the clients and of the page."""
    with running(tmp_path_factory.mktemp("run"), SER_MODELS_DIRECTORY=models_with_frames) as server:
        yield server
