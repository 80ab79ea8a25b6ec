"""The package builds as a wheel, and the wheel works in an environment of its own."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

from configuration import ROOT
from tests.clients.python.conftest import DEADLINE, MODELS

SOURCE = ROOT / "clients" / "python"


def run(*command: object) -> str:
    """The output of a command outside the checkout, which must succeed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        list(map(str, command)),
        cwd=Path(sys.executable).anchor,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    ).stdout


def test_the_wheel_works_in_a_bare_environment(tmp_path: Path) -> None:
    offline = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    source = shutil.copytree(SOURCE, tmp_path / "source")  # building leaves files there
    pip = [sys.executable, "-m", "pip"]
    run(*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", tmp_path, source)
    (wheel,) = tmp_path.glob("*.whl")
    bare = tmp_path / "bare"
    venv.create(bare, symlinks=True)
    run(*pip, "--python", bare, "install", *offline, wheel)
    # The dependencies are those of this environment; of a folder in a .pth file, no .pth file is
    # read, so that the editable package is not found.
    (packages,) = bare.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    version = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]["version"]
    emotion = bare / "bin" / "emotion"
    assert run(emotion, "--version") == f"emotion {version}\n"
    shown = run(emotion, "predict", MODELS / "reference.wav", "--models", MODELS / "DNN.onnx")
    assert "reference.wav" in shown
