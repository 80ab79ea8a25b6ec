"""The unit for systemd is valid, and fits the server."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from configuration import ROOT
from server.settings import load_settings
from tests.support.missing import missing

UNIT = ROOT / "deploy" / "systemd" / "emotion-recognition.service"
INSTALLED = "/opt/emotion-recognition"


def verify(folder: Path, text: str) -> str:
    """What systemd says about the unit, with the path of this checkout; nothing if it is good."""
    if not shutil.which("systemd-analyze"):
        missing("systemd-analyze is missing: sudo apt-get install systemd")
    unit = folder / UNIT.name
    unit.write_text(text.replace(INSTALLED, str(ROOT)), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) or done.stderr
    return done.stderr


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    assert verify(tmp_path, UNIT.read_text(encoding="utf-8")) == ""


def test_a_wrong_line_is_detected(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("KillMode=mixed", "KillMod=mixed")
    assert "KillMod" in verify(tmp_path, text)


def test_its_variables_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of the lines to be uncommented."""
    text = UNIT.read_text(encoding="utf-8")
    lines = re.findall(r"^#?Environment=(.+)$", text, re.MULTILINE)
    variables = dict(pair.split("=") for line in lines for pair in line.split())
    assert len(variables) == 4
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("%", "/"))
    settings = load_settings()
    assert settings.server.tls
    assert settings.models.state_directory == Path("/S/emotion-recognition")
    assert settings.server.runtime_directory == Path("/t/emotion-recognition")
