"""The documents describe every setting, list every decision, and link to files that exist."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from configuration import ROOT
from server.settings import ModelSettings, ServerSettings

KEYS = {field.name for section in (ServerSettings, ModelSettings) for field in fields(section)}
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *(ROOT / "clients" / folder / "README.md" for folder in ("python", "web", "web/extractor")),
]


@pytest.mark.parametrize(
    ("file", "key"),
    [("docs/operations.md", r"`(?:\[\w+\] )?(\w+)`"), ("config.ini", r"^(\w+) =")],
)
def test_every_setting_is_described(file: str, key: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert KEYS - set(re.findall(key, text, re.MULTILINE)) == set()


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(
        r"^- \[.+\]\((.+)\)$", (folder / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted([*listed, "README.md"]) == sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_linked_file_exists(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)", text)
    files = [link for link in links if "://" not in link]
    assert [file for file in files if not (document.parent / file).exists()] == []
