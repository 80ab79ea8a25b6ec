import shutil
from pathlib import Path

import pytest

from training.__main__ import main

FILES = Path(__file__).parent
SIXTH = (FILES / "sixth.py").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with systems of a user's own."""
    folder = tmp_path_factory.mktemp("recipes")
    for name in ("sixth.py", "several.py"):
        shutil.copy(FILES / name, folder)
    return folder


class Command:
    """`python -m training`, with folders of its own."""

    def __init__(
        self, folder: Path, source: Path, recipes: Path, cache: Path | None = None
    ) -> None:
        self.output = folder / "output"
        self.cache = cache or folder / "cache"
        self.options = [
            "--corpus=emodb-2s",
            f"--source-path={source}",
            f"--cache-path={self.cache}",
            f"--recipes-path={recipes}",
            f"--output-path={self.output}",
        ]

    def __call__(self, command: str, *arguments: str) -> int:
        return main([command, *arguments, *self.options])

    def outcomes(self) -> dict[str, int]:
        """When each fit was written."""
        found = sorted((self.cache / "outcomes").glob("*.npz"))
        return {path.name: path.stat().st_mtime_ns for path in found}


@pytest.fixture(scope="session")
def cache_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features and fits that several comparisons share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def compared(
    german: Path, recipes: Path, cache_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Command:
    """After a comparison of the user's own systems."""
    command = Command(tmp_path_factory.mktemp("compared"), german, recipes, cache_path)
    assert command("compare", "--recipes", "sixth,several") == 0
    return command
