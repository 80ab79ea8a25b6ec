"""Each page of docs/clients holds its program, which is a whole one and short."""

from pathlib import Path

import pytest

from configuration import ROOT
from tests.support.languages.syntax import first_error

FOLDER = ROOT / "docs" / "clients"
PROGRAMS = sorted(FOLDER.glob("*/*"))
# The programs that no test compiles, and the grammars that parse them.
PARSED = {".cs": "tree_sitter_c_sharp", ".kt": "tree_sitter_kotlin", ".swift": "tree_sitter_swift"}


def test_every_page_has_one_program_and_is_linked() -> None:
    pages = sorted(path.stem for path in FOLDER.glob("*.md"))
    assert [path.parent.name for path in PROGRAMS] == pages
    guide = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    assert [page for page in pages if f"(clients/{page}.md)" not in guide] == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_the_page_holds_the_program(program: Path) -> None:
    page = program.parent.with_suffix(".md").read_text(encoding="utf-8")
    text = program.read_text(encoding="utf-8")
    assert f"\n{text}```\n" in page
    assert len(text.splitlines()) < 80


@pytest.mark.parametrize("suffix", PARSED)
def test_the_program_has_no_syntax_error(suffix: str) -> None:
    (program,) = FOLDER.glob(f"*/*{suffix}")
    assert first_error(PARSED[suffix], program.read_bytes()) is None
    assert first_error(PARSED[suffix], program.read_bytes().replace(b")", b"", 1)) is not None
