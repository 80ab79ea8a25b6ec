"""The operator's guide and the settings file describe every setting."""

import re
from dataclasses import fields

import pytest

from configuration import ROOT
from server.settings import ModelSettings, ServerSettings

KEYS = {field.name for section in (ServerSettings, ModelSettings) for field in fields(section)}


@pytest.mark.parametrize(
    ("file", "key"),
    [("docs/operations.md", r"`(?:\[\w+\] )?(\w+)`"), ("config.ini", r"^(\w+) =")],
)
def test_every_setting_is_described(file: str, key: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert KEYS - set(re.findall(key, text, re.MULTILINE)) == set()
