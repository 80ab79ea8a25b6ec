"""The rooms of the server import each other in one direction only."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from configuration import ROOT

MOST_MODULES = 14  # of a folder; more do not show at a glance what belongs together
FORBIDDEN = {
    "settings": {"api", "codecs", "http", "inference", "launch", "metrics", "models"},
    "models": {"api", "codecs", "http", "inference", "launch", "metrics"},
    "codecs": {"api", "http", "inference", "launch", "metrics"},
    "inference": {"api", "http", "launch"},
    "api": {"http", "launch"},
    "http": {"api", "codecs", "inference", "launch", "metrics", "models"},
    "launch": {"api", "codecs", "inference", "metrics"},
}


def imported_rooms(path: Path) -> Iterator[str]:
    """The second part of each imported name that starts with `server.`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("server."))


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_imports_no_room_that_depends_on_it(room: str) -> None:
    server = ROOT / "server"
    modules = [*server.glob(f"{room}.py"), *server.glob(f"{room}/**/*.py")]
    assert modules
    for module in modules:
        assert not set(imported_rooms(module)) & FORBIDDEN[room], module


@pytest.mark.parametrize("room", ["server", "training", "tests/support"])
def test_no_folder_has_too_many_modules(room: str) -> None:
    modules = [path for path in (ROOT / room).rglob("*.py") if path.name != "__init__.py"]
    counts = Counter(path.parent for path in modules)
    assert len(counts) > 5
    assert [folder for folder, count in counts.items() if count > MOST_MODULES] == []
